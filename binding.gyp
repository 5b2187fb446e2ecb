# For tools that call node-gyp: the build is CMake's, through cmake-js; this target only hands over to it.
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
          'action': ['node', '<(module_root_dir)/scripts/build.mjs'],
        },
      ],
    },
  ],
}
