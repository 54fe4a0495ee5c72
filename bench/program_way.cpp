#include <stdexcept>

#include <unistd.h>

#include "floor.h"
#include "process.hpp"
#include "way.hpp"

namespace nsenterd::bench {
namespace {

class Program final : public Way {
 public:
  Program(const Request& request, const std::string& program, const std::string& how)
      : name_(program),
        process_(spawn({program, how, std::to_string(request.target), request.path}, input_.read_end.get(),
                       output_.write_end.get())) {
    // Otherwise its end would go unnoticed.
    input_.read_end.reset();
    output_.write_end.reset();
  }

  void run(std::size_t events, Samples& samples) override {
    const std::uint64_t count = events;
    if (::write(input_.write_end.get(), &count, sizeof count) != sizeof count) throw_errno(name_ + ": write");
    std::vector<floor_times> times(events);
    auto* at = reinterpret_cast<char*>(times.data());
    for (std::size_t left = times.size() * sizeof times[0]; left > 0;) {
      const ssize_t got = ::read(output_.read_end.get(), at, left);
      if (got < 0) throw_errno(name_ + ": read");
      if (got == 0) throw std::runtime_error(name_ + " failed");
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
  std::string name_;
  Pipe input_ = make_pipe();
  Pipe output_ = make_pipe();
  base::ChildProcess process_;
};

}  // namespace

std::unique_ptr<Way> make_program(const Request& request, const std::string& program,
                                  const std::string& how) {
  return std::make_unique<Program>(request, program, how);
}

}  // namespace nsenterd::bench
