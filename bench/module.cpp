// bench-module: runs a module of its own in a container, and measures that, for bench-whole, whose commands it reads as bench-floor
// does. The module does what the agent of bench-floor does: it reads a file.
//
//   bench-module loop|blocking PID FILE
//
// With "loop" it is ModuleRunner's, on an event loop; with "blocking" it is run()'s.
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include <nsenterd/module_runner.hpp>

#include "floor.h"

namespace nsenterd::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// The module.
std::string read_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1024> content;
  const ssize_t size = file ? ::read(file.get(), content.data(), content.size()) : -1;
  if (size <= 0) throw std::system_error(errno, std::generic_category(), path);
  return {content.data(), static_cast<std::size_t>(size)};
}

std::uint64_t since(Clock::time_point begin) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now() - begin).count());
}

class OnEventLoop {
 public:
  floor_times measure(const ModuleRun& run) {
    std::optional<Result<ModuleData>> outcome;
    floor_times times{};
    const auto begin = Clock::now();
    runner_.async_run(run, [&](Result<ModuleData> result) {
      times.answered = since(begin);
      outcome = std::move(result);
    });
    while (!outcome) context_.run_one();
    outcome->value();
    times.reaped = times.answered;
    return times;
  }

 private:
  // One thread runs it, which spares Asio its locks.
  boost::asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
  ModuleRunner runner_ = ModuleRunner::create(context_.get_executor()).value();
};

class Blocking {
 public:
  floor_times measure(const ModuleRun& run) {
    const auto begin = Clock::now();
    const auto result = nsenterd::run(run);
    const std::uint64_t answered = since(begin);
    result.value();
    return {answered, answered};
  }
};

/// Until there are no more commands.
template <class Way>
int serve(Way way, const ModuleRun& run) {
  std::uint64_t count = 0;
  while (::read(STDIN_FILENO, &count, sizeof count) == sizeof count) {
    // Written only afterwards: a write in between would wake the benchmark.
    std::vector<floor_times> times(count);
    for (floor_times& measured : times) measured = way.measure(run);
    const auto* at = reinterpret_cast<const char*>(times.data());
    for (std::size_t left = times.size() * sizeof times[0]; left > 0;) {
      const ssize_t written = ::write(STDOUT_FILENO, at, left);
      if (written <= 0) return 1;
      at += written;
      left -= static_cast<std::size_t>(written);
    }
  }
  return 0;
}

int run_benchmark(bool blocking, const char* pid, const char* file) {
  ModuleRun run{.namespaces = Namespaces::all(), .module = "read file", .argument = file};
  std::from_chars(pid, pid + std::strlen(pid), run.target.emplace<pid_t>());
  return blocking ? serve(Blocking(), run) : serve(OnEventLoop(), run);
}

}  // namespace
}  // namespace nsenterd::bench

int main(int argc, char** argv) {
  nsenterd::register_module("read file", nsenterd::bench::read_file);
  nsenterd::init();

  const bool blocking = argc == 4 && argv[1] == std::string_view("blocking");
  if (argc != 4 || (!blocking && argv[1] != std::string_view("loop"))) {
    std::fputs("usage: bench-module loop|blocking PID FILE\n", stderr);
    return 2;
  }
  try {
    return nsenterd::bench::run_benchmark(blocking, argv[2], argv[3]);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench-module: %s\n", failure.what());
    return 1;
  }
}
