// What the kernel shows of processes. Nothing here asks the code under test.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace nsenterd::test {

/// The names below /proc/PID/ns of the namespaces that a process is in.
inline constexpr std::string_view kNamespaceNames[] = {"user", "mnt",    "uts", "ipc",
                                                       "pid",  "cgroup", "net", "time"};

/// "/proc/PID/NAME".
std::string proc_path(pid_t pid, std::string_view name);

/// The inode that identifies the namespace which a process is in. Throws std::system_error if the process is
/// gone.
std::uint64_t namespace_inode(pid_t pid, std::string_view name);

/// The inode of the user namespace that owns this one (ioctl_ns(2)); of a user namespace's parent.
std::uint64_t owner_inode(pid_t pid, std::string_view name);

/// A whole file; throws std::system_error.
std::string read_file(const std::string& path);

/// A line of /proc/PID/status, without its name: "Uid", "NSpid". Empty if the process is gone.
std::string status_field(pid_t pid, std::string_view name);

/// The last number of a process's NSpid: how its own pid namespace numbers it.
pid_t innermost_pid(pid_t pid);

/// As in /proc/PID/comm; empty if the process is gone.
std::string process_name(pid_t pid);

/// Whether there is such a process, dead ones that nobody has waited for included.
bool process_exists(pid_t pid);

/// All children, dead ones included.
std::vector<pid_t> children_of(pid_t pid);

/// Children of this process with that name.
std::vector<pid_t> own_children_named(std::string_view name);

/// The descriptors that a process has open, in ascending order; none if it has ended.
std::vector<int> descriptors_of(pid_t pid);

/// How many descriptors this process has open.
std::size_t open_descriptors();

/// Whether this build's programs keep freed memory, to find those who use it still: how much they have means nothing then.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kKeepsFreedMemory = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kKeepsFreedMemory = true;
#else
inline constexpr bool kKeepsFreedMemory = false;
#endif
#else
inline constexpr bool kKeepsFreedMemory = false;
#endif

/// Asks every few milliseconds; false if the answer was never yes.
bool wait_until(const std::function<bool()>& predicate,
                std::chrono::milliseconds limit = std::chrono::seconds(5));

}  // namespace nsenterd::test
