#include "support/processes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::test {
namespace {

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

pid_t parent_of(pid_t pid) {
  const std::string parent = status_field(pid, "PPid");
  return parent.empty() ? 0 : std::stoi(parent);
}

}  // namespace

std::string proc_path(pid_t pid, std::string_view name) {
  return ("/proc/" + std::to_string(pid) + "/").append(name);
}

std::uint64_t namespace_inode(pid_t pid, std::string_view name) {
  const std::string path = proc_path(pid, "ns/").append(name);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw_errno(path);
  return status.st_ino;
}

std::uint64_t owner_inode(pid_t pid, std::string_view name) {
  const std::string path = proc_path(pid, "ns/").append(name);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw_errno(path);
  const UniqueFd owner(::ioctl(file.get(), NS_GET_USERNS));
  struct stat status {};
  if (!owner || ::fstat(owner.get(), &status) != 0) throw_errno("NS_GET_USERNS of " + path);
  return status.st_ino;
}

std::string read_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw_errno(path);
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0) throw_errno(path);
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::string status_field(pid_t pid, std::string_view name) {
  std::string text;
  try {
    text = "\n" + read_file(proc_path(pid, "status"));
  } catch (const std::system_error&) {
    return {};
  }
  const std::string key = "\n" + std::string(name) + ":";
  const auto at = text.find(key);
  if (at == std::string::npos) return {};
  const auto begin = text.find_first_not_of("\t ", at + key.size());
  return text.substr(begin, text.find('\n', begin) - begin);
}

pid_t innermost_pid(pid_t pid) {
  const std::string numbers = status_field(pid, "NSpid");
  if (numbers.empty()) throw std::system_error(ESRCH, std::generic_category(), "NSpid");
  return std::stoi(numbers.substr(numbers.find_last_of('\t') + 1));
}

std::string process_name(pid_t pid) {
  return status_field(pid, "Name");
}

bool process_exists(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (is_number(name) && parent_of(std::stoi(name)) == pid) children.push_back(std::stoi(name));
  }
  return children;
}

std::vector<pid_t> own_children_named(std::string_view name) {
  std::vector<pid_t> children = children_of(::getpid());
  std::erase_if(children, [&](pid_t child) { return process_name(child) != name; });
  return children;
}

std::vector<int> descriptors_of(pid_t pid) {
  std::vector<int> descriptors;
  std::error_code has_ended;
  for (const auto& entry : std::filesystem::directory_iterator(proc_path(pid, "fd"), has_ended)) {
    descriptors.push_back(std::stoi(entry.path().filename()));
  }
  std::sort(descriptors.begin(), descriptors.end());
  return descriptors;
}

std::size_t open_descriptors() {
  // Less the one of the listing itself.
  return descriptors_of(::getpid()).size() - 1;
}

bool wait_until(const std::function<bool()>& predicate, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!predicate()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace nsenterd::test
