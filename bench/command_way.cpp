#include <array>
#include <stdexcept>

#include <unistd.h>

#include "process.hpp"
#include "way.hpp"

namespace nsenterd::bench {
namespace {

class Command final : public Way {
 public:
  explicit Command(std::vector<std::string> command) : command_(std::move(command)) {}

  void run(std::size_t events, Samples& samples) override {
    for (std::size_t i = 0; i < events; ++i) {
      const auto begin = Clock::now();
      Pipe output = make_pipe();
      auto process = spawn(command_, -1, output.write_end.get());
      output.write_end.reset();
      std::array<char, 4096> buffer;
      const ssize_t got = ::read(output.read_end.get(), buffer.data(), buffer.size());
      const auto answered = std::chrono::nanoseconds(Clock::now() - begin);
      const auto status = wait(process);
      const auto complete = std::chrono::nanoseconds(Clock::now() - begin);
      if (got <= 0 || status.status != 0) throw std::runtime_error(command_.front() + " failed");
      samples.answered.push_back(static_cast<std::uint64_t>(answered.count()));
      samples.complete.push_back(static_cast<std::uint64_t>(complete.count()));
    }
  }

 private:
  std::vector<std::string> command_;
};

}  // namespace

std::unique_ptr<Way> make_command(std::vector<std::string> command) {
  return std::make_unique<Command>(std::move(command));
}

}  // namespace nsenterd::bench
