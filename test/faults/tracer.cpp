#include "faults/tracer.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <system_error>

#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

constexpr auto kOptions = static_cast<unsigned long>(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
                                                     PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE);
constexpr int kSyscallStop = SIGTRAP | 0x80;

long trace(__ptrace_request request, pid_t pid, unsigned long address = 0, unsigned long data = 0) {
  return ::ptrace(request, pid, address, data);
}

#if defined(__x86_64__)
/// At its entry: the process makes no call.
void skip_call(pid_t pid) {
  trace(PTRACE_POKEUSER, pid, offsetof(user, regs.orig_rax), ~0UL);
}
/// At its exit: this is what it returns.
void set_result(pid_t pid, long result) {
  trace(PTRACE_POKEUSER, pid, offsetof(user, regs.rax), static_cast<unsigned long>(result));
}
#elif defined(__aarch64__)
constexpr unsigned long kNumber = 0x404;  // NT_ARM_SYSTEM_CALL
constexpr unsigned long kRegisters = 1;   // NT_PRSTATUS
void skip_call(pid_t pid) {
  int number = -1;
  iovec part{&number, sizeof number};
  trace(PTRACE_SETREGSET, pid, kNumber, reinterpret_cast<unsigned long>(&part));
}
void set_result(pid_t pid, long result) {
  user_regs_struct registers{};
  iovec part{&registers, sizeof registers};
  trace(PTRACE_GETREGSET, pid, kRegisters, reinterpret_cast<unsigned long>(&part));
  registers.regs[0] = static_cast<unsigned long long>(result);
  trace(PTRACE_SETREGSET, pid, kRegisters, reinterpret_cast<unsigned long>(&part));
}
#endif

bool stops(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

}  // namespace

bool holds_pidfd_of(pid_t pid, pid_t target) {
  const std::string line = "\nPid:\t" + std::to_string(target) + "\n";
  std::error_code ended;
  for (const auto& entry : std::filesystem::directory_iterator(proc_path(pid, "fdinfo"), ended)) {
    try {
      if (read_file(entry.path()).find(line) != std::string::npos) return true;
    } catch (const std::system_error&) {
      // Closed meanwhile.
    }
  }
  return false;
}

Tracer::Tracer(pid_t pid, Traced traced, Moment moment, Chosen chosen, Action action)
    : root_(pid), traced_(traced), moment_(moment), chosen_(std::move(chosen)), action_(std::move(action)) {
  // Only has to interrupt waitpid(2).
  struct sigaction interrupt {};
  interrupt.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &interrupt, nullptr);
  std::atomic<int> started = -1;
  // ptrace(2) knows threads, not processes: all of it is done by this one.
  thread_ = std::thread([this, &started] { run(started); });
  started.wait(-1);
  if (started == 0) return;
  thread_.join();
  throw std::system_error(started, std::generic_category(), "ptrace");
}

Tracer::~Tracer() {
  ending_ = true;
  while (!ended_) {
    ::pthread_kill(thread_.native_handle(), SIGUSR1);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  thread_.join();
}

void Tracer::run(std::atomic<int>& started) {
  seize(started);
  // Let go of in the middle, a call that is to fail would fail with ENOSYS.
  while (!ending_ || is_failing_call()) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, __WALL | __WNOTHREAD);
    if (pid > 0) on_stop(pid, status);
    // Nobody is left; interrupted.
    if (pid < 0 && errno != EINTR) break;
  }
  ended_ = true;
  // The kernel lets all tracees of a thread go with it.
}

bool Tracer::is_failing_call() const {
  return std::any_of(tracees_.begin(), tracees_.end(),
                     [](const auto& tracee) { return tracee.second.error != 0; });
}

void Tracer::seize(std::atomic<int>& started) {
  const bool itself = traced_ == Traced::itself;
  const auto options = itself ? static_cast<unsigned long>(PTRACE_O_TRACESYSGOOD) : kOptions;
  bool seized = trace(PTRACE_SEIZE, root_, 0, options) == 0;
  if (seized && itself) {
    tracees_[root_] = {};
    seized = trace(PTRACE_INTERRUPT, root_) == 0;
    // Whatever it does from now on is seen.
    int status = 0;
    if (seized && ::waitpid(root_, &status, __WALL) == root_) on_stop(root_, status);
  }
  if (!seized) ending_ = true;
  started = seized ? 0 : errno;
  started.notify_one();
}

void Tracer::on_stop(pid_t pid, int status) {
  if (!WIFSTOPPED(status)) {
    tracees_.erase(pid);
    stopped_early_.erase(pid);
    reported_.erase(pid);
    return;
  }
  const int signal = WSTOPSIG(status);
  const int event = status >> 16;
  const auto tracee = tracees_.find(pid);
  if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
    unsigned long child = 0;
    trace(PTRACE_GETEVENTMSG, pid, 0, reinterpret_cast<unsigned long>(&child));
    on_fork(pid, static_cast<pid_t>(child));
    resume(pid, 0);
  } else if (event == PTRACE_EVENT_STOP && stops(signal)) {
    trace(PTRACE_LISTEN, pid);
  } else if (event == PTRACE_EVENT_STOP && tracee == tracees_.end() && pid != root_) {
    if (const auto report = reported_.extract(pid)) {
      begin(pid, report.mapped());
    } else {
      stopped_early_.insert(pid);
    }
  } else if (signal == kSyscallStop && tracee != tracees_.end()) {
    on_call(pid, tracee->second);
  } else {
    resume(pid, event == 0 && signal != kSyscallStop ? signal : 0);
  }
}

void Tracer::on_fork(pid_t parent, pid_t child) {
  const bool chosen = parent != root_ || chosen_(child);
  if (stopped_early_.erase(child) > 0) {
    begin(child, chosen);
  } else {
    reported_[child] = chosen;
  }
}

void Tracer::begin(pid_t pid, bool chosen) {
  if (!chosen) return let_go(pid);
  tracees_[pid] = {};
  resume(pid, 0);
}

void Tracer::on_call(pid_t pid, Tracee& tracee) {
  __ptrace_syscall_info info{};
  if (trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, reinterpret_cast<unsigned long>(&info)) < 0) return;
  if (info.op == PTRACE_SYSCALL_INFO_EXIT && tracee.error != 0) {
    set_result(pid, -tracee.error);
    return let_go(pid);
  }
  const bool meant =
      info.op == PTRACE_SYSCALL_INFO_ENTRY && is_moment(pid, tracee, static_cast<long>(info.entry.nr));
  if (!meant) return resume(pid, 0);
  // First: somebody may hear of the action before it is over.
  ++hits_;
  tracee.error = action_(pid);
  if (tracee.error == 0) return let_go(pid);
  skip_call(pid);
  resume(pid, 0);
}

bool Tracer::is_moment(pid_t pid, Tracee& tracee, long call) const {
  if (call == moment_.after) tracee.is_after = true;
  const bool is_meant = moment_.call == Moment::kAny || call == moment_.call;
  if (!is_meant || (moment_.after >= 0 && !tracee.is_after)) return false;
  return (traced_ == Traced::its_forks || chosen_(pid)) && ++tracee.calls == moment_.nth;
}

void Tracer::resume(pid_t pid, int signal) const {
  const bool sees_calls = tracees_.contains(pid);
  trace(sees_calls ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, static_cast<unsigned long>(signal));
}

void Tracer::let_go(pid_t pid) {
  tracees_.erase(pid);
  trace(PTRACE_DETACH, pid);
}

}  // namespace nsenterd::test
