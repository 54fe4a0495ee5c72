#include <array>
#include <stdexcept>

#include <unistd.h>

#include "way.hpp"

namespace nsenterd::bench {
namespace {

class Nsenter final : public Way {
 public:
  explicit Nsenter(const Request& request)
      : command_({"nsenter", "-a", "-t", std::to_string(request.target), "cat", request.file}) {}

  void run(std::size_t events, Samples& samples) override {
    for (std::size_t i = 0; i < events; ++i) {
      const auto begin = Clock::now();
      Pipe output = make_pipe();
      Process process(command_, -1, output.write_end.get());
      output.write_end.reset();
      std::array<char, 4096> buffer;
      const ssize_t got = ::read(output.read_end.get(), buffer.data(), buffer.size());
      const auto answered = Clock::now();
      const int status = process.wait();
      const auto complete = Clock::now();
      if (got <= 0 || status != 0) throw std::runtime_error("nsenter(1) failed");
      samples.answered.push_back(
          static_cast<std::uint64_t>((answered - begin) / std::chrono::nanoseconds(1)));
      samples.complete.push_back(
          static_cast<std::uint64_t>((complete - begin) / std::chrono::nanoseconds(1)));
    }
  }

 private:
  std::vector<std::string> command_;
};

}  // namespace

std::unique_ptr<Way> make_nsenter(const Request& request) {
  return std::make_unique<Nsenter>(request);
}

}  // namespace nsenterd::bench
