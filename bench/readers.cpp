#include "readers.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <memory>
#include <new>
#include <stdexcept>

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/syscalls.hpp"
#include "process.hpp"

namespace nsenterd::bench {

using Clock = std::chrono::steady_clock;

namespace {

/// More than any of them reads in a turn. It takes up memory only as far as it is used.
constexpr std::size_t kMostReads = 1U << 20U;

/// What one reader leaves, in memory that it shares with whoever started it.
struct Record {
  std::atomic<std::uint32_t> ready{};
  std::uint32_t error = 0;
  std::size_t count = 0;
  std::uint64_t samples[kMostReads];
};

struct Shared {
  /// Until all are ready nobody reads.
  std::atomic<std::uint32_t> go{};
  std::int64_t begin = 0;
};

class Mapping {
 public:
  explicit Mapping(std::size_t bytes) : bytes_(bytes) {
    memory_ =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory_ == MAP_FAILED) throw_errno("mmap");
  }
  ~Mapping() { ::munmap(memory_, bytes_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  [[nodiscard]] void* get() const noexcept { return memory_; }

 private:
  void* memory_;
  std::size_t bytes_;
};

bool read_once(const char* file) {
  char content[256];
  const int fd = ::open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t got = ::read(fd, content, sizeof content);
  ::close(fd);
  return got > 0;
}

[[noreturn]] void read_on(const char* file, std::chrono::milliseconds time, Shared& shared, Record& record) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The first one is on account of nobody: what it finds is new to the kernel.
  if (!read_once(file)) record.error = static_cast<std::uint32_t>(errno);
  record.ready = 1;
  while (shared.go == 0) ::sched_yield();
  const auto end = Clock::now() + time;
  for (auto before = Clock::now(); before < end && record.error == 0 && record.count < kMostReads;) {
    if (!read_once(file)) record.error = static_cast<std::uint32_t>(errno);
    const auto after = Clock::now();
    record.samples[record.count++] = static_cast<std::uint64_t>((after - before).count());
    before = after;
  }
  ::_exit(record.error == 0 ? 0 : 1);
}

/// Enters the container, where its children are processes, and has them read.
[[noreturn]] void lead(std::size_t count, pid_t container, const char* file, std::chrono::milliseconds time,
                       Shared& shared, Record* records) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int pidfd = base::pidfd_open(container);
  constexpr int kAll = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                       CLONE_NEWUTS | CLONE_NEWCGROUP;
  if (pidfd < 0 || ::setns(pidfd, kAll) != 0) ::_exit(1);
  for (std::size_t i = 0; i < count; ++i) {
    const pid_t reader = ::fork();
    if (reader == 0) read_on(file, time, shared, records[i]);
    if (reader < 0) ::_exit(1);
  }
  for (std::size_t i = 0; i < count;) i = records[i].ready == 0 ? (::sched_yield(), i) : i + 1;
  shared.go = 1;
  int failed = 0;
  for (int status = 0; ::wait(&status) > 0;) failed |= status;
  ::_exit(failed == 0 ? 0 : 1);
}

}  // namespace

Reads read_with(std::size_t count, pid_t container, const std::string& file, std::chrono::milliseconds time) {
  const Mapping of_all(sizeof(Shared));
  const Mapping of_each(count * sizeof(Record));
  auto* shared = new (of_all.get()) Shared;
  auto* records = static_cast<Record*>(of_each.get());
  for (std::size_t i = 0; i < count; ++i) new (&records[i].ready) std::atomic<std::uint32_t>(0);
  const pid_t leader = ::fork();
  if (leader < 0) throw_errno("fork");
  if (leader == 0) lead(count, container, file.c_str(), time, *shared, records);
  int status = 0;
  if (::waitpid(leader, &status, 0) != leader || status != 0)
    throw std::runtime_error("a reader of " + file + " has failed");
  Reads reads{.samples = {}, .time = time};
  for (std::size_t i = 0; i < count; ++i)
    reads.samples.insert(reads.samples.end(), records[i].samples, records[i].samples + records[i].count);
  return reads;
}

}  // namespace nsenterd::bench
