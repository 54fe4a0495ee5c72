// readDirRequest: the entries of a directory with their file information (agent).
#include <algorithm>
#include <memory>
#include <string_view>

#include <dirent.h>

#include "operations/file_info.hpp"

namespace nsenterd::operations {
namespace {

struct ReadDirRequest {
  std::string dir;
  bool mount_sysfs = false;
  bool mount_procfs = false;
};

template <class Fields, wire::Describes<ReadDirRequest> Payload>
void describe(Fields& fields, Payload& request) {
  fields.path("dir", request.dir);
  fields.optional_boolean("MountSysfs", request.mount_sysfs);
  fields.optional_boolean("MountProcfs", request.mount_procfs);
}

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

Result<std::vector<std::string>> list_names(DIR* directory, const std::string& path) {
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory);
    if (entry == nullptr) {
      if (errno != 0) return path_error("readdirent", path);
      break;
    }
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    // A listing with a hole in it would be worse than none.
    if (!wire::is_utf8(name)) return path_error("readdirent", path, EILSEQ);
    names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct ReadDir {
  using Request = ReadDirRequest;
  using Response = std::vector<FileInfo>;

  static constexpr bool kOnlyReads = true;

  static PrivateMountNeeds needs(const Request& request) {
    return private_mount_needs(request.dir, request.mount_procfs, request.mount_sysfs);
  }

  static Result<Response> run(const Request& request, const Context& context) {
    UniqueFd file = context.place.open(request.dir, O_RDONLY | O_DIRECTORY);
    if (!file) return path_error("open", request.dir);
    const Directory directory(::fdopendir(file.get()));
    if (!directory) return path_error("fdopendir", request.dir);
    const int descriptor = file.release();
    auto names = list_names(directory.get(), request.dir);
    if (!names) return names.error();
    std::vector<FileInfo> entries;
    entries.reserve(names->size());
    for (std::string& name : *names) {
      struct stat status {};
      if (::fstatat(descriptor, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
        entries.push_back(make_file_info(std::move(name), status));
      } else if (errno != ENOENT) {
        return path_error("lstat", request.dir + "/" + name);
      }
    }
    return entries;
  }
};

}  // namespace

extern const Operation kReadDir;
const Operation kReadDir = make_operation<ReadDir>("readDirRequest", "readDirResponse");

}  // namespace nsenterd::operations
