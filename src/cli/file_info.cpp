#include "cli/file_info.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cli/escape.hpp"

namespace nsenterd::cli {
namespace {

char kind_letter(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return '-';
    case S_IFDIR: return 'd';
    case S_IFLNK: return 'l';
    case S_IFBLK: return 'b';
    case S_IFCHR: return 'c';
    case S_IFIFO: return 'p';
    case S_IFSOCK: return 's';
    default: return '?';
  }
}

std::string_view kind_name(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return "regular file";
    case S_IFDIR: return "directory";
    case S_IFLNK: return "symbolic link";
    case S_IFBLK: return "block special file";
    case S_IFCHR: return "character special file";
    case S_IFIFO: return "fifo";
    case S_IFSOCK: return "socket";
    default: return "unknown";
  }
}

bool is_device(std::uint32_t mode) {
  return S_ISBLK(mode) || S_ISCHR(mode);
}

std::string device_numbers(std::uint64_t device) {
  return std::to_string(gnu_dev_major(device)) + ',' + std::to_string(gnu_dev_minor(device));
}

std::string octal_permissions(std::uint32_t mode) {
  std::array<char, 8> digits{};
  std::snprintf(digits.data(), digits.size(), "%04o", mode & 07777U);
  return digits.data();
}

using Row = std::array<std::string, 7>;
constexpr std::size_t kModeColumn = 0;
constexpr std::size_t kTimeColumn = 5;
constexpr std::size_t kNameColumn = 6;

Row make_row(const requests::FileInfo& file) {
  const struct stat& status = file.status;
  return {mode_string(status.st_mode),
          std::to_string(status.st_nlink),
          std::to_string(status.st_uid),
          std::to_string(status.st_gid),
          is_device(status.st_mode) ? device_numbers(status.st_rdev) : std::to_string(status.st_size),
          time_string(status.st_mtim, false),
          escape(file.name)};
}

}  // namespace

std::string mode_string(std::uint32_t mode) {
  std::string text = "?rwxrwxrwx";
  text[0] = kind_letter(mode);
  for (std::size_t i = 0; i < 9; ++i) {
    if ((mode & (0400U >> i)) == 0) text[i + 1] = '-';
  }
  // Each shares a place with an execute permission: lower case if that is given too.
  const auto special = [&](std::uint32_t bit, std::size_t place, char letter) {
    if ((mode & bit) == 0) return;
    const bool executable = text[place] == 'x';
    text[place] = executable ? letter : static_cast<char>(letter - 'a' + 'A');
  };
  special(S_ISUID, 3, 's');
  special(S_ISGID, 6, 's');
  special(S_ISVTX, 9, 't');
  return text;
}

std::string time_string(const timespec& time, bool with_fraction) {
  tm utc{};
  const time_t seconds = time.tv_sec;
  // A container may set times that no calendar of ours reaches.
  if (::gmtime_r(&seconds, &utc) == nullptr || utc.tm_year < -1900 || utc.tm_year > 9999 - 1900) {
    return "@" + std::to_string(time.tv_sec);
  }
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d", utc.tm_year + 1900, utc.tm_mon + 1,
                utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
  std::string result = text.data();
  if (with_fraction) {
    std::snprintf(text.data(), text.size(), ".%09lld", static_cast<long long>(time.tv_nsec));
    result += text.data();
  }
  return result + 'Z';
}

std::string format_status(std::string_view path, const struct stat& status) {
  std::string text = "  File: " + escape(path) + '\n';
  text += "  Size: " + std::to_string(status.st_size) + "  Blocks: " + std::to_string(status.st_blocks) +
          "  IO Block: " + std::to_string(status.st_blksize) + "  ";
  text.append(kind_name(status.st_mode)) += '\n';
  text += "Device: " + device_numbers(status.st_dev) + "  Inode: " + std::to_string(status.st_ino) +
          "  Links: " + std::to_string(status.st_nlink);
  if (is_device(status.st_mode)) text += "  Device type: " + device_numbers(status.st_rdev);
  text += "\n  Mode: (" + octal_permissions(status.st_mode) + '/' + mode_string(status.st_mode) +
          ")  Uid: " + std::to_string(status.st_uid) + "  Gid: " + std::to_string(status.st_gid) + '\n';
  text += "Access: " + time_string(status.st_atim, true) + '\n';
  text += "Modify: " + time_string(status.st_mtim, true) + '\n';
  text += "Change: " + time_string(status.st_ctim, true) + '\n';
  return text;
}

std::string format_listing(const std::vector<requests::FileInfo>& files) {
  std::vector<Row> rows;
  rows.reserve(files.size());
  std::array<std::size_t, kNameColumn> widths{};
  for (const requests::FileInfo& file : files) {
    const Row& row = rows.emplace_back(make_row(file));
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const std::string blanks(widths[i] - row[i].size(), ' ');
      const bool flush_left = i == kModeColumn || i == kTimeColumn;
      text += (flush_left ? row[i] + blanks : blanks + row[i]) + ' ';
    }
    text += row[kNameColumn] + '\n';
  }
  return text;
}

}  // namespace nsenterd::cli
