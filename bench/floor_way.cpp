#include <stdexcept>

#include <unistd.h>

#include "floor.h"
#include "process.hpp"
#include "way.hpp"

namespace nsenterd::bench {
namespace {

class Floor final : public Way {
 public:
  Floor(const Request& request, const std::string& program, Agents agents)
      : process_(spawn(
            {program, agents == Agents::warm ? "warm" : "cold", std::to_string(request.target), request.path},
            input_.read_end.get(), output_.write_end.get())) {
    // Otherwise its end would go unnoticed.
    input_.read_end.reset();
    output_.write_end.reset();
  }

  void run(std::size_t events, Samples& samples) override {
    const std::uint64_t count = events;
    if (::write(input_.write_end.get(), &count, sizeof count) != sizeof count)
      throw_errno("bench-floor: write");
    std::vector<floor_times> times(events);
    auto* at = reinterpret_cast<char*>(times.data());
    for (std::size_t left = times.size() * sizeof times[0]; left > 0;) {
      const ssize_t got = ::read(output_.read_end.get(), at, left);
      if (got < 0) throw_errno("bench-floor: read");
      if (got == 0) throw std::runtime_error("bench-floor failed");
      at += got;
      left -= static_cast<std::size_t>(got);
    }
    for (const auto& [answered, reaped] : times) {
      samples.answered.push_back(answered);
      samples.complete.push_back(reaped);
    }
  }

  [[nodiscard]] std::optional<pid_t> service() const override { return process_.pid(); }

 private:
  Pipe input_ = make_pipe();
  Pipe output_ = make_pipe();
  base::ChildProcess process_;
};

}  // namespace

std::unique_ptr<Way> make_floor(const Request& request, const std::string& program, Agents agents) {
  return std::make_unique<Floor>(request, program, agents);
}

}  // namespace nsenterd::bench
