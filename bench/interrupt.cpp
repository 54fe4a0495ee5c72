#include "interrupt.hpp"

#include <csignal>
#include <stdexcept>

namespace nsenterd::bench {
namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int /*signal*/) { interrupted = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void check_interrupted() {
  if (interrupted != 0) throw std::runtime_error("interrupted");
}

}  // namespace nsenterd::bench
