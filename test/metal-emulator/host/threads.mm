// Threads that may send messages: GNUstep has to know them, and each piece of their work needs an autorelease pool.
#import <Foundation/Foundation.h>

#include <thread>
#include <utility>

#include "host/engine.h"

namespace emulator {

void startThread(std::function<void()> body) {
  std::thread([body = std::move(body)] {
    GSRegisterCurrentThread();
    body();
    GSUnregisterCurrentThread();
  }).detach();
}

}  // namespace emulator
