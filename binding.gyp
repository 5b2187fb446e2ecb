# For node-gyp, which npm calls where no prebuilt binary fits: the build is CMake's, this target only hands over to it.
{
  'targets': [
    {
      'target_name': 'metalgrad_cmake',
      'type': 'none',
      'actions': [
        {
          'action_name': 'cmake',
          'inputs': [],
          'outputs': ['<(module_root_dir)/build/Release/metalgrad.node'],
          'action': ['node', '<(module_root_dir)/scripts/build.mjs', '--headers=<(node_root_dir)/include/node'],
        },
      ],
    },
  ],
}
