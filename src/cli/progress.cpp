#include "cli/progress.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/style.hpp"

namespace nsenterd::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// What is done sooner needs no line.
constexpr seconds kSoon{1};

std::string mebibytes(double bytes) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f MiB", bytes / (1U << 20U));
  return text.data();
}

/// The last column stays free: some terminals go on to the next row from there.
std::size_t columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col - 1U : 79;
}

/// Nobody is left to tell if this fails.
void write_line(const std::string& line) {
  const std::string text = "\r" + clip(line, columns()) + "\x1b[K";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

std::string waiting_text(milliseconds elapsed, std::optional<milliseconds> limit) {
  const auto text = [](milliseconds time) {
    return std::to_string(std::chrono::floor<seconds>(time).count()) + "s";
  };
  return "waiting for " + text(elapsed) + (limit ? " of " + text(*limit) : "");
}

std::string transfer_text(std::uint64_t bytes, std::optional<std::uint64_t> total, milliseconds elapsed) {
  const double rate =
      static_cast<double>(bytes) * 1000 / static_cast<double>(std::max<std::int64_t>(elapsed.count(), 1));
  return mebibytes(static_cast<double>(bytes)) +
         (total ? " of " + mebibytes(static_cast<double>(*total)) : "") + ", " + mebibytes(rate) + "/s";
}

Progress::Progress() : wanted_(is_capable_terminal(STDERR_FILENO)) {}

Progress::Request::Request(Progress& progress, std::optional<milliseconds> limit) : progress_(progress) {
  progress_.request_ = {Clock::now(), limit};
}

Progress::Request::~Request() {
  progress_.request_.reset();
  if (!progress_.transfer_) progress_.clear();
}

Progress::Transfer::Transfer(Progress& progress, std::optional<std::uint64_t> total) : progress_(progress) {
  progress_.transfer_ = {Clock::now(), 0, total};
}

Progress::Transfer::~Transfer() {
  progress_.transfer_.reset();
  progress_.clear();
}

void Progress::Transfer::moved(std::uint64_t bytes) {
  progress_.transfer_->bytes += bytes;
  progress_.tick();
}

void Progress::tick() {
  const auto now = Clock::now();
  if (!wanted_ || (!request_ && !transfer_)) return;
  const auto since = [now](Clock::time_point begun) { return std::chrono::floor<milliseconds>(now - begun); };
  const milliseconds elapsed = since(transfer_ ? transfer_->begun : request_->begun);
  if (elapsed < kSoon) return;
  shown_ = true;
  // What waits for long is told of, also in the middle of a file.
  const bool waits = request_ && (!transfer_ || since(request_->begun) >= kSoon);
  write_line(waits ? waiting_text(since(request_->begun), request_->limit)
                   : transfer_text(transfer_->bytes, transfer_->total, elapsed));
}

void Progress::clear() {
  if (std::exchange(shown_, false)) write_line("");
}

}  // namespace nsenterd::cli
