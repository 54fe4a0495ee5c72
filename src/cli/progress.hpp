// A line on the terminal about what takes long (nsenterctl).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace nsenterd::cli {

/// Shows, on standard error if that is a terminal, what has been under way for a second: a request, or a file that is carried in
/// several. The line is gone when that ends.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  /// A request, for as long as this lives. The limit is when it ends at the latest, if that is known.
  class Request {
   public:
    Request(Progress& progress, std::optional<std::chrono::milliseconds> limit);
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    ~Request();

   private:
    Progress& progress_;
  };

  /// A file, for as long as this lives.
  class Transfer {
   public:
    Transfer(Progress& progress, std::optional<std::uint64_t> total);
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer();

    void moved(std::uint64_t bytes);

   private:
    Progress& progress_;
  };

  [[nodiscard]] bool is_wanted() const noexcept { return wanted_; }
  /// To be called a few times a second, if it is wanted.
  void tick();

 private:
  struct Requested {
    Clock::time_point begun;
    std::optional<std::chrono::milliseconds> limit;
  };
  struct Transferred {
    Clock::time_point begun;
    std::uint64_t bytes = 0;
    std::optional<std::uint64_t> total;
  };

  void clear();

  bool wanted_;
  bool shown_ = false;
  std::optional<Requested> request_;
  std::optional<Transferred> transfer_;
};

/// "waiting for 3s of 10s".
std::string waiting_text(std::chrono::milliseconds elapsed, std::optional<std::chrono::milliseconds> limit);
/// "12.0 MiB of 30.0 MiB, 4.1 MiB/s".
std::string transfer_text(std::uint64_t bytes, std::optional<std::uint64_t> total,
                          std::chrono::milliseconds elapsed);

}  // namespace nsenterd::cli
