// The file information in lookupResponse and readDirResponse, as far as it is shown (nsenterctl).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/fields.hpp"

namespace nsenterd::cli {

struct Timestamp {
  std::int64_t sec = 0;
  std::int64_t nsec = 0;
};

struct FileStatus {
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  std::uint64_t nlink = 0;
  /// As the kernel gives it: kind and permissions.
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t rdev = 0;
  std::int64_t size = 0;
  std::int64_t blksize = 0;
  std::int64_t blocks = 0;
  Timestamp atim, mtim, ctim;
};

struct FileInfo {
  std::string name;
  FileStatus sys;
};

template <class Fields, wire::Describes<Timestamp> Payload>
void describe(Fields& fields, Payload& time) {
  fields.integer("Sec", time.sec);
  fields.integer("Nsec", time.nsec, std::int64_t{0}, std::int64_t{999'999'999});
}

template <class Fields, wire::Describes<FileStatus> Payload>
void describe(Fields& fields, Payload& sys) {
  fields.integer("Dev", sys.dev);
  fields.integer("Ino", sys.ino);
  fields.integer("Nlink", sys.nlink);
  fields.integer("Mode", sys.mode);
  fields.integer("Uid", sys.uid);
  fields.integer("Gid", sys.gid);
  fields.integer("Rdev", sys.rdev);
  fields.integer("Size", sys.size);
  fields.integer("Blksize", sys.blksize);
  fields.integer("Blocks", sys.blocks);
  fields.object("Atim", sys.atim);
  fields.object("Mtim", sys.mtim);
  fields.object("Ctim", sys.ctim);
}

template <class Fields, wire::Describes<FileInfo> Payload>
void describe(Fields& fields, Payload& info) {
  fields.text("Fname", info.name);
  fields.object("Fsys", info.sys);
}

/// Nothing if a field is missing or wrong.
std::optional<FileInfo> decode_file_info(const wire::Json& payload);
/// The same for a list of them; null is an empty one.
std::optional<std::vector<FileInfo>> decode_file_infos(const wire::Json& payload);

/// "drwxr-xr-x", from st_mode; an unknown kind is "?".
std::string mode_string(std::uint32_t mode);

/// "2026-01-01T00:00:01Z", with nine fractional digits if wanted; "@SECONDS" where no calendar reaches.
std::string time_string(const Timestamp& time, bool with_fraction);

/// Several lines in the manner of stat(1). `path` is what the user gave.
std::string format_status(std::string_view path, const FileStatus& sys);

/// A line for each file in the manner of `ls -l`, in the order given; names are escaped.
std::string format_listing(const std::vector<FileInfo>& files);

}  // namespace nsenterd::cli
