// Threads that may send messages: GNUstep has to know them, and each piece of their work needs an autorelease pool.
#import <Foundation/Foundation.h>

#include <future>
#include <thread>
#include <utility>

#include "host/engine.h"

namespace emulator {

void startThread(std::function<void()> body) {
  // GNUstep takes its locks in another order while it gets to know a thread: nobody else sends messages meanwhile.
  std::promise<void> registered;
  const std::future<void> known = registered.get_future();
  std::thread([registered = std::move(registered), body = std::move(body)]() mutable {
    GSRegisterCurrentThread();
    registered.set_value();
    body();
    GSUnregisterCurrentThread();
  }).detach();
  known.wait();
}

}  // namespace emulator
