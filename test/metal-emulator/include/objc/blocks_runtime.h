// GNUstep looks for the blocks runtime under this name; Debian has it under another.
#pragma once
#include <Block.h>
