#include "faults/stalls.hpp"

namespace nsenterd::test {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kNap{5};
constexpr milliseconds kUsual{25};

milliseconds overslept(Clock::time_point since) {
  const auto over = std::chrono::duration_cast<milliseconds>(Clock::now() - since) - kNap;
  return over > kUsual ? over : milliseconds(0);
}

}  // namespace

Stalls::Stalls() : napping_since_(Clock::now()), thread_([this] { run(); }) {}

Stalls::~Stalls() {
  ending_ = true;
  thread_.join();
}

void Stalls::run() {
  while (!ending_) {
    std::this_thread::sleep_for(kNap);
    const auto over = overslept(napping_since_);
    napping_since_ = Clock::now();
    total_ = total_.load() + over;
  }
}

milliseconds Stalls::total() const {
  // The nap may still last when whoever asks has been woken already.
  return total_.load() + overslept(napping_since_);
}

Stalls& Stalls::of_machine() {
  static Stalls stalls;
  return stalls;
}

}  // namespace nsenterd::test
