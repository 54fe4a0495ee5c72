#include "modules.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <nsenterd/module.hpp>

#include "support/processes.hpp"
#include "wire/frame.hpp"

namespace nsenterd::test {
namespace {

using Json = nlohmann::json;

std::string mount_namespace() {
  std::array<char, 64> link{};
  const ssize_t size = ::readlink("/proc/self/ns/mnt", link.data(), link.size());
  return {link.data(), static_cast<std::size_t>(std::max(size, ssize_t{0}))};
}

// Where this process is when its static initialisers run; and whether something of it has run before that.
const std::string g_namespace_of_initialisers = mount_namespace();

[[noreturn]] void fail(const char* call) {
  throw std::system_error(errno, std::generic_category(), call);
}

std::string namespaces(const std::string& /*argument*/) {
  Json found = Json::object();
  for (const auto name : kNamespaceNames) {
    std::array<char, 64> link{};
    const std::string path = "/proc/self/ns/" + std::string(name);
    if (::readlink(path.c_str(), link.data(), link.size() - 1) < 0) fail("readlink");
    found[std::string(name)] = link.data();
  }
  return found.dump();
}

/// What a module finds itself to be.
std::string describe(const std::string& /*argument*/) {
  std::vector<int> descriptors;
  for (int fd = 0; fd < 64; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) descriptors.push_back(fd);
  }
  struct stat streams {};
  struct stat null {};
  bool null_streams = ::stat("/dev/null", &null) == 0;
  for (const int fd : {0, 1, 2})
    null_streams = null_streams && ::fstat(fd, &streams) == 0 && streams.st_rdev == null.st_rdev;
  const char* const variable = std::getenv(kVariable);
  const mode_t mask = ::umask(0);
  std::array<char, 4096> directory{};
  return Json{{"uid", ::getuid()},
              {"gid", ::getgid()},
              {"groups", ::getgroups(0, nullptr)},
              {"umask", mask},
              {"descriptors", descriptors},
              {"nullStreams", null_streams},
              {"dumpable", ::prctl(PR_GET_DUMPABLE)},
              {"pid", ::getpid()},
              {"leadsGroup", ::getpgrp() == ::getpid()},
              {"directory", ::getcwd(directory.data(), directory.size())},
              {"initialisers", g_namespace_of_initialisers},
              {"now", mount_namespace()},
              {"variable", variable == nullptr ? "" : variable}}
      .dump();
}

/// The socket to the program, which a module is not told of.
int find_socket() {
  for (int fd = 3; fd < 64; ++fd) {
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0) return fd;
  }
  throw std::runtime_error("no socket");
}

/// Behaves like a module that somebody else has taken over.
std::string misbehave(const std::string& how) {
  const int socket = find_socket();
  if (how == "noise") {
    const std::string noise(4096, 'x');
    if (::write(socket, noise.data(), noise.size()) < 0) fail("write");
  } else if (how == "half a frame") {
    const wire::FrameHeader header{wire::FrameKind::module_result, 100, 0};
    if (::write(socket, &header, sizeof header) < 0) fail("write");
    ::_exit(0);
  } else if (how == "endless") {
    const wire::FrameHeader header{wire::FrameKind::module_result, 0xffffffff, 0};
    if (::write(socket, &header, sizeof header) < 0) fail("write");
  } else if (how == "longer than allowed") {
    wire::send_frame(socket, wire::FrameKind::module_result, std::string(1 << 20, 'x'));
  } else if (how == "forked") {
    const int own = static_cast<int>(::dup(socket));
    wire::send_frame(socket, wire::FrameKind::forked, {}, {&own, 1});
  } else if (how == "empty failure") {
    wire::send_frame(socket, wire::FrameKind::module_failed, "");
  } else if (how == "started for ever") {
    while (wire::send_frame(socket, wire::FrameKind::started, {})) continue;
  } else if (how == "forked for ever") {
    while (wire::send_frame(socket, wire::FrameKind::forked, {})) continue;
  } else if (how == "many descriptors") {
    const std::vector<int> many(32, socket);
    wire::send_frame(socket, wire::FrameKind::module_result, "x", many);
  }
  std::this_thread::sleep_for(std::chrono::seconds(30));
  return "";
}

std::string allocate(const std::string& /*argument*/) {
  std::vector<std::vector<char>> all;
  for (;;) all.emplace_back(1 << 20, 'x');
}

/// Leaves a process behind that holds nothing of this one; returns its number as the module's pid namespace has it.
std::string leave_child(const std::string& /*argument*/) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  return std::to_string(child);
}

std::string throw_error(const std::string& what) {
  if (what == "errno") throw std::system_error(ENOSPC, std::generic_category(), "here");
  if (what == "text") throw std::runtime_error("no good");
  if (what == "long text") throw std::runtime_error(std::string(100'000, 'e'));
  throw 7;
}

std::string die(const std::string& how) {
  if (how == "crash") ::raise(SIGSEGV);
  if (how == "abort") std::abort();
  if (how == "exit") ::_exit(3);
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

std::string print(const std::string& line) {
  for (int i = 0; i < 1000; ++i) {
    std::puts(line.c_str());
    std::fputs(line.c_str(), stderr);
  }
  std::fflush(stdout);
  return "printed";
}

/// Gives back what it was given, and the bytes of the first descriptor.
ModuleData exchange(ModuleData given) {
  std::array<char, 64> text{};
  const ssize_t size =
      given.descriptors.empty() ? 0 : ::read(given.descriptors.front().get(), text.data(), text.size());
  if (size < 0) fail("read");
  given.bytes.append(text.data(), static_cast<std::size_t>(size));
  return given;
}

ModuleData open_file(ModuleData path) {
  ModuleData opened;
  opened.descriptors.emplace_back(::open(path.bytes.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.descriptors.front()) fail("open");
  return opened;
}

ModuleData send_no_descriptor(ModuleData /*argument*/) {
  ModuleData result;
  result.descriptors.emplace_back(-1);
  return result;
}

ModuleData send_many_descriptors(ModuleData /*argument*/) {
  ModuleData result;
  for (int i = 0; i < 17; ++i) result.descriptors.emplace_back(::dup(0));
  return result;
}

}  // namespace

void register_modules() {
  register_module("echo", [](const std::string& argument) { return argument; });
  register_module("repeat", [](const std::string& size) { return std::string(std::stoul(size), 'r'); });
  register_module("namespaces", namespaces);
  register_module("describe", describe);
  register_module("hostname", [](const std::string&) {
    utsname name{};
    ::uname(&name);
    return std::string(name.nodename);
  });
  register_module("list", [](const std::string& directory) {
    Json names = Json::array();
    for (const auto& entry : std::filesystem::directory_iterator(directory))
      names.push_back(entry.path().filename());
    return names.dump();
  });
  register_module("make directory", [](const std::string& path) {
    if (::mkdir(path.c_str(), 0777) != 0) fail("mkdir");
    return std::string();
  });
  register_module("misbehave", misbehave);
  register_module("allocate", allocate);
  register_module("leave child", leave_child);
  register_module("throw", throw_error);
  register_module("die", die);
  register_module("print", print);
  register_module("exchange", exchange);
  register_module("open", open_file);
  register_module("send no descriptor", send_no_descriptor);
  register_module("send many descriptors", send_many_descriptors);
  register_json_module("sum", [](const Json& numbers) {
    std::int64_t sum = 0;
    for (const Json& number : numbers) sum += number.get<std::int64_t>();
    return std::to_string(sum);
  });
}

}  // namespace nsenterd::test
