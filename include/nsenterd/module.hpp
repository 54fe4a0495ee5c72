// Modules: functions of this program that run inside the namespaces of other processes.
//
//   int main() {
//     nsenterd::register_module("make-directory", [](const std::string& path) {
//       if (::mkdir(path.c_str(), 0755) != 0) throw std::system_error(errno, std::generic_category(), "mkdir");
//       return std::string();
//     });
//     nsenterd::init();
//
//     const auto mnt = nsenterd::open_namespace(pid, nsenterd::Namespace::mnt);
//     // ... find out whether the process is still the one that was meant ...
//     nsenterd::ModuleRun run{.module = "make-directory", .argument = "/run/thing"};
//     run.namespace_descriptors[nsenterd::Namespace::mnt] = mnt->get();
//     const auto done = nsenterd::run(run);
//   }
//
// The program is executed a second time, once, from a sealed copy of itself: that process, the fork server, waits ahead of main and of
// all static initialisers of the program. For each run it forks a process, which joins the namespaces there and then, with no other
// thread around; only then is the program initialised, and main runs up to init(), which runs the module instead of returning.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include <sys/types.h>

#include <nlohmann/json_fwd.hpp>

#include <nsenterd/api.hpp>
#include <nsenterd/failure.hpp>
#include <nsenterd/namespaces.hpp>
#include <nsenterd/target.hpp>
#include <nsenterd/unique_fd.hpp>

namespace nsenterd {

/// What a module is given, and what it gives back.
struct ModuleData {
  std::string bytes{};
  /// At most kMaxModuleDescriptors. Close-on-exec. To close one that a module sent may take as long as the filesystem of a container
  /// likes (close(2)).
  std::vector<UniqueFd> descriptors{};
};

inline constexpr std::size_t kMaxModuleDescriptors = 16;
/// Bytes of an argument at most.
inline constexpr std::size_t kMaxModuleArgument = 16U << 20U;

/// Names a function of this program, from the argument of a run to its result. To be called at the begin of main, or by static
/// initialisers, always in the same way, as it is called again where the function runs. Throws std::logic_error if there is one of that
/// name, or after init().
///
/// The function runs in a process of its own, which ends with it. That has joined the namespaces, is root of the user namespace that
/// it is in, without supplementary groups, and has no descriptors but those of the run; its standard streams are /dev/null, its umask is 0,
/// SIGPIPE is ignored, and its environment is the program's. What the function throws is the caller's ModuleFailed: with the
/// errno, if it is a std::system_error. Its files and its /proc are the container's, which is not to be trusted: nothing may be loaded
/// or executed from there, so no dlopen(3), name service (nss(5)), locale or character set (iconv(3)) that is not in memory.
/// Processes that it leaves behind in its process group are killed.
NSENTERD_API void register_module(std::string name, std::function<ModuleData(ModuleData)> function);
/// The same without descriptors.
NSENTERD_API void register_module(std::string name, std::function<std::string(const std::string&)> function);
/// The same with an argument in JSON. A run whose argument is none fails with ModuleFailed (EINVAL).
NSENTERD_API void register_json_module(std::string name,
                                       std::function<std::string(const nlohmann::json&)> function);

/// To be called in main, when all modules have been registered, before anything that the process in the namespaces should not do.
/// There, it runs the module and ends the process; everywhere else it only returns.
NSENTERD_API void init();

/// One run of a module. Descriptors stay the caller's, who keeps them open until run() returns, or async_run() has been called.
struct ModuleRun {
  /// The process whose `namespaces` are joined: pinned by the caller, or its id. 0: none.
  std::variant<pid_t, Target> target = 0;
  Namespaces namespaces{};
  /// Further namespaces to join, of kinds that are not in `namespaces`.
  NamespaceDescriptors namespace_descriptors{};
  /// Directories opened with O_PATH to be the module's root (chroot(2)) and its working directory; -1 for the root of the mount
  /// namespace that it is in.
  int root = -1;
  int working_directory = -1;
  /// CLONE_NEW* bits of the namespaces to create after joining (clone(2)).
  std::uint64_t clone_flags = 0;
  /// What to run, as it was registered.
  std::string module{};
  std::string argument{};
  std::vector<int> descriptors{};
  /// From the call to the result.
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  /// Bytes of the result at most; not more than 64 MiB.
  std::size_t max_result = 16U << 20U;
  /// Bytes of memory that the module may have (RLIMIT_DATA, setrlimit(2)), the program's own data included.
  std::size_t memory = 1U << 30U;
};

/// Runs a module and waits for its result. From any thread; several may run at once, each in a process of its own. The first
/// call starts the fork server, and a thread that looks after it, which blocks all signals; both remain until the program ends.
/// For a program with the rights to join the namespaces concerned (setns(2)), which is root as a rule.
///
/// InvalidParameter, such as "module" where none is registered under the name: nothing was started. NoSuchTarget and JoinFailed: the
/// namespaces could not be entered. ModuleFailed: the module says that it failed, or its result is too long, or is none. AgentDied: its
/// process has ended without a result; it crashed, or was killed, as by the container. TimedOut: it was killed. Overloaded: 512 are
/// under way. Whatever it is, nothing is left behind, except a process that the kernel does not let go (uninterruptible sleep): that is
/// reaped when it is.
NSENTERD_API Result<ModuleData> run(const ModuleRun& run);

}  // namespace nsenterd
