// Sizes, and what Apple's Foundation and CoreFoundation have and GNUstep's has not.
#pragma once

#import <Foundation/Foundation.h>

// Classes show their instance variables here: the Objective-C runtime of Debian wants to know their sizes.

#ifndef API_AVAILABLE
#define API_AVAILABLE(...)
#endif

typedef NSString *NSErrorDomain;
typedef double CFTimeInterval;

typedef struct {
  NSUInteger width, height, depth;
} MTLSize;

static inline MTLSize MTLSizeMake(NSUInteger width, NSUInteger height, NSUInteger depth) {
  MTLSize size = {width, height, depth};
  return size;
}
