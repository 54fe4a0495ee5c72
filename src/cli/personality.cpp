#include "cli/personality.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <string>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "base/syscalls.hpp"
#include "cli/error_text.hpp"
#include "cli/read_all.hpp"
#include "cli/target_namespaces.hpp"

namespace nsenterd::cli {
namespace {

constexpr std::string_view kBlanks = " \t\n";

std::string proc_path(pid_t process, const char* name) {
  return "/proc/" + std::to_string(process) + '/' + name;
}

/// The word at `index` behind "NAME:" in /proc/PID/status; empty if there is none.
std::string_view status_word(std::string_view status, std::string_view name, int index) {
  std::size_t at = status.find('\n' + std::string(name) + ':');
  if (at == std::string_view::npos) return {};
  std::string_view line = status.substr(at + name.size() + 2);
  line = line.substr(0, line.find('\n'));
  for (;; --index) {
    const std::size_t begin = std::min(line.find_first_not_of(kBlanks), line.size());
    line.remove_prefix(begin);
    const std::size_t length = std::min(line.find_first_of(kBlanks), line.size());
    if (index == 0) return line.substr(0, length);
    line.remove_prefix(length);
  }
}

template <class T>
bool read_number(std::string_view text, int base, T& out) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out, base);
  return error == std::errc() && stop == end;
}

/// Where a link of procfs points to.
Outcome<std::string> read_path(const std::string& link) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  if (length < 0) return failed_call("readlink", link);
  std::string path(target.data(), static_cast<std::size_t>(length));
  if (!wire::is_utf8(path)) return Stop{ExitStatus::failed, link + ": " + errno_description(EILSEQ)};
  return path;
}

/// The effective ids and capabilities; the real, effective, saved and filesystem ids are four words of a line.
Outcome<void> read_status(pid_t process, Personality& personality) {
  const std::string path = proc_path(process, "status");
  const auto status = read_file(path);
  if (!status) return status.error();
  const bool complete = read_number(status_word(*status, "Uid", 1), 10, personality.uid.emplace()) &&
                        read_number(status_word(*status, "Gid", 1), 10, personality.gid.emplace()) &&
                        read_number(status_word(*status, "CapEff", 0), 16, personality.capabilities);
  if (complete) return {};
  return Stop{ExitStatus::failed, path + ": not understood"};
}

Outcome<std::uint64_t> own_permitted_capabilities() {
  const auto status = read_file("/proc/self/status");
  if (!status) return status.error();
  std::uint64_t capabilities = 0;
  if (read_number(status_word(*status, "CapPrm", 0), 16, capabilities)) return capabilities;
  return Stop{ExitStatus::failed, "/proc/self/status: not understood"};
}

Outcome<std::uint64_t> all_capabilities() {
  constexpr const char* kLast = "/proc/sys/kernel/cap_last_cap";
  const auto text = read_file(kLast);
  if (!text) return text.error();
  unsigned last = 0;
  if (!read_number(text->substr(0, text->find('\n')), 10, last) || last > 63) {
    return Stop{ExitStatus::failed, std::string(kLast) + ": not understood"};
  }
  return ~std::uint64_t{0} >> (63 - last);
}

/// Whether the agent will be in another user namespace than this process.
Outcome<bool> enters_user_namespace(const Options& options) {
  if (options.clone_flags && options.clone_flags->contains(Namespace::user)) return true;
  if (!options.namespaces.value_or(known_namespaces()).contains(Namespace::user)) return false;
  struct stat own {};
  struct stat target {};
  // A kernel without user namespaces.
  if (::stat("/proc/self/ns/user", &own) != 0) return false;
  const std::string path = proc_path(options.pid, "ns/user");
  if (::stat(path.c_str(), &target) == 0) return own.st_ino != target.st_ino || own.st_dev != target.st_dev;
  // The daemon says best that there is no such process.
  if (errno == ENOENT) return false;
  // Who may not look is not root, and the daemon lets nobody else at processes of its own user namespace.
  if (errno == EACCES) return true;
  return failed_call("stat", path);
}

Outcome<Personality> default_personality(const Options& options) {
  const auto enters = enters_user_namespace(options);
  if (!enters) return enters.error();
  // Root of a user namespace has all capabilities there are; elsewhere the agent is root as this process is.
  const auto capabilities = *enters ? all_capabilities() : own_permitted_capabilities();
  if (!capabilities) return capabilities.error();
  Personality personality;
  personality.capabilities = *capabilities;
  return personality;
}

}  // namespace

Outcome<Personality> personality_of(pid_t process) {
  const std::string name = "process " + std::to_string(process);
  const UniqueFd pidfd(base::pidfd_open(process));
  if (!pidfd) return failed_call("pidfd_open", name);
  Personality personality;
  auto root = read_path(proc_path(process, "root"));
  if (!root) return root.error();
  personality.root = std::move(*root);
  auto cwd = read_path(proc_path(process, "cwd"));
  if (!cwd) return cwd.error();
  personality.cwd = std::move(*cwd);
  if (auto read = read_status(process, personality); !read) return read.error();
  // Readable means that it has ended: what has been read may then be another's, that got its number.
  pollfd ended{pidfd.get(), POLLIN, 0};
  if (::poll(&ended, 1, 0) != 0) return Stop{ExitStatus::failed, name + " has ended meanwhile"};
  return personality;
}

Outcome<requests::Personality> take_personality(Session& session, const Options& options) {
  const auto personality = options.caller ? personality_of(*options.caller) : default_personality(options);
  if (!personality) return personality.error();
  session.act_for(options.uid ? options.uid : personality->uid, options.gid ? options.gid : personality->gid);
  return static_cast<const requests::Personality&>(*personality);
}

bool names_personality(const Options& options) {
  return options.caller || options.uid || options.gid;
}

}  // namespace nsenterd::cli
