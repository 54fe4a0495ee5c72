#include "faults/neighbour.hpp"

#include <exception>

#include "faults/exchange.hpp"

namespace nsenterd::test {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

Neighbour::Neighbour(const std::filesystem::path& socket, pid_t container)
    : thread_([this, socket, container] {
        run(socket, container);
        tell_begun();
      }) {
  begun_.wait(false);
}

void Neighbour::tell_begun() {
  begun_ = true;
  begun_.notify_one();
}

const Neighbour::Record& Neighbour::stop() {
  ending_ = true;
  if (thread_.joinable()) thread_.join();
  return record_;
}

void Neighbour::run(const std::filesystem::path& socket, pid_t container) try {
  const Json parameters = parameters_for(container, read_request("/proc/sys/kernel/hostname"));
  RawClient client(socket);
  while (!ending_) {
    const auto begin = Clock::now();
    const Json reply = client.call("io.nsenterd.SendRequest", parameters);
    record_.slowest =
        std::max(record_.slowest, std::chrono::duration_cast<milliseconds>(Clock::now() - begin));
    ++record_.answered;
    if (outcome_of(reply) != "response") {
      ++record_.refused;
      record_.last_refusal = reply.dump();
    }
    if (record_.answered == 1) tell_begun();
    // The machine is others' as well.
    std::this_thread::sleep_for(milliseconds(5));
  }
} catch (const std::exception& failure) {
  record_.unanswered = failure.what();
}

}  // namespace nsenterd::test
