#include "machine.hpp"

#include <array>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <thread>

#include <sys/utsname.h>

namespace nsenterd::bench {
namespace {

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  }
  return "unknown";
}

std::string date() {
  const std::time_t now = std::time(nullptr);
  std::array<char, 32> text{};
  std::tm parts{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", ::gmtime_r(&now, &parts));
  return text.data();
}

}  // namespace

Json describe_machine() {
  utsname kernel{};
  ::uname(&kernel);
  std::array<double, 3> load{};
  ::getloadavg(load.data(), static_cast<int>(load.size()));
  return {{"processor", processor()},
          {"cores", std::thread::hardware_concurrency()},
          {"kernel", std::string(kernel.sysname) + " " + kernel.release},
          {"date", date()},
          {"load", load}};
}

}  // namespace nsenterd::bench
