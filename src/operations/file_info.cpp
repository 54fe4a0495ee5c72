#include "operations/file_info.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace nsenterd::operations {
namespace {

// fs.FileMode of the Go standard library.
constexpr std::uint32_t kGoDirectory = 1U << 31U;
constexpr std::uint32_t kGoSymlink = 1U << 27U;
constexpr std::uint32_t kGoDevice = 1U << 26U;
constexpr std::uint32_t kGoFifo = 1U << 25U;
constexpr std::uint32_t kGoSocket = 1U << 24U;
constexpr std::uint32_t kGoSetuid = 1U << 23U;
constexpr std::uint32_t kGoSetgid = 1U << 22U;
constexpr std::uint32_t kGoCharacterDevice = 1U << 21U;
constexpr std::uint32_t kGoSticky = 1U << 20U;
constexpr std::uint32_t kGoIrregular = 1U << 19U;

std::uint32_t go_file_type(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFREG: return 0;
    case S_IFDIR: return kGoDirectory;
    case S_IFLNK: return kGoSymlink;
    case S_IFBLK: return kGoDevice;
    case S_IFCHR: return kGoDevice | kGoCharacterDevice;
    case S_IFIFO: return kGoFifo;
    case S_IFSOCK: return kGoSocket;
    default: return kGoIrregular;
  }
}

wire::Timespec to_timespec(const timespec& time) noexcept {
  return {time.tv_sec, time.tv_nsec};
}

}  // namespace

std::uint32_t go_file_mode(mode_t mode) noexcept {
  constexpr std::array<std::pair<mode_t, std::uint32_t>, 3> kSpecial{
      {{S_ISUID, kGoSetuid}, {S_ISGID, kGoSetgid}, {S_ISVTX, kGoSticky}}};
  std::uint32_t result = go_file_type(mode) | (mode & 0777U);
  for (const auto& [bit, go_bit] : kSpecial) {
    if ((mode & bit) != 0) result |= go_bit;
  }
  return result;
}

std::string rfc3339(const timespec& time) {
  // Not gmtime_r(3): it reads the time zone from /etc/localtime, which is the container's.
  const std::chrono::sys_seconds seconds{std::chrono::seconds(time.tv_sec)};
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  constexpr std::chrono::sys_days kFirst{std::chrono::year(0) / 1 / 1};
  constexpr std::chrono::sys_days kLast{std::chrono::year(9999) / 12 / 31};
  // A container may set times that no calendar of ours reaches.
  if (day < kFirst || day > kLast) return "0001-01-01T00:00:00Z";
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  std::string text(buffer.data());
  if (time.tv_nsec != 0) {
    std::snprintf(buffer.data(), buffer.size(), ".%09ld", time.tv_nsec);
    std::string fraction(buffer.data());
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text += fraction;
  }
  return text + 'Z';
}

FileInfo make_file_info(std::string name, const struct stat& status) {
  FileInfo info;
  info.name = std::move(name);
  info.size = status.st_size;
  info.mode = go_file_mode(status.st_mode);
  info.mod_time = rfc3339(status.st_mtim);
  info.is_dir = S_ISDIR(status.st_mode);
  info.sys = {.dev = status.st_dev,
              .ino = status.st_ino,
              .nlink = status.st_nlink,
              .mode = status.st_mode,
              .uid = status.st_uid,
              .gid = status.st_gid,
              .rdev = status.st_rdev,
              .size = status.st_size,
              .blksize = status.st_blksize,
              .blocks = status.st_blocks,
              .atim = to_timespec(status.st_atim),
              .mtim = to_timespec(status.st_mtim),
              .ctim = to_timespec(status.st_ctim)};
  return info;
}

}  // namespace nsenterd::operations
