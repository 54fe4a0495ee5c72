// openat2SyscallRequest: openat2(2) on behalf of the caller; the descriptor goes with the answer (agent).
#include <string_view>

#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/vfs.h>

#include "base/syscalls.hpp"
#include "operations/operation.hpp"
#include "operations/personality.hpp"

namespace nsenterd::operations {
namespace {

struct Openat2Request {
  Personality header;
  std::string path;
  std::uint64_t flags = 0;
  std::uint64_t mode = 0;
  std::uint64_t resolve = 0;
  bool verify_fs = false;
};

template <class Fields, wire::Describes<Openat2Request> Payload>
void describe(Fields& fields, Payload& request) {
  fields.object("header", request.header);
  fields.path("path", request.path);
  fields.integer("flags", request.flags);
  fields.integer("mode", request.mode);
  fields.integer("resolve", request.resolve);
  fields.boolean("verifyfs", request.verify_fs);
}

bool is_on_fuse(int file) {
  struct statfs filesystem {};
  return ::fstatfs(file, &filesystem) == 0 && filesystem.f_type == FUSE_SUPER_MAGIC;
}

/// With magic links of procfs, which are the agent's own where the caller meant his, one could get at what the agent
/// has of the host.
std::uint64_t resolve_of(const Openat2Request& request) {
  return request.resolve | RESOLVE_NO_MAGICLINKS;
}

UniqueFd look_at(const Openat2Request& request, const std::string& path, std::uint64_t flags) {
  open_how how{};
  how.flags = O_PATH | flags;
  how.resolve = resolve_of(request);
  return UniqueFd(base::openat2(AT_FDCWD, path.c_str(), how));
}

/// Asks without opening the file. Of a file that is to be created, the directory is asked.
std::optional<ErrorResponse> check_filesystem(const Openat2Request& request) {
  UniqueFd file = look_at(request, request.path, request.flags & O_NOFOLLOW);
  if (!file && errno == ENOENT && (request.flags & O_CREAT) != 0) {
    // A link that leads nowhere yet: the file would be created there, wherever that is.
    if (look_at(request, request.path, O_NOFOLLOW)) return path_error("openat2", request.path, EIO);
    const auto slash = request.path.rfind('/');
    file = look_at(request, slash == std::string::npos ? "." : request.path.substr(0, slash + 1), 0);
  }
  if (!file) return path_error("openat2", request.path);
  if (!is_on_fuse(file.get())) return path_error("openat2", request.path, EIO);
  return std::nullopt;
}

/// Opens without ever waiting for a FIFO's other end or a line, and undoes what that took.
UniqueFd open_without_waiting(const Openat2Request& request) {
  open_how how{};
  how.flags = request.flags;
  how.mode = request.mode;
  how.resolve = resolve_of(request);
  const bool opens = (request.flags & O_PATH) == 0;
  if (opens) how.flags |= O_NONBLOCK | O_NOCTTY;
  UniqueFd file(base::openat2(AT_FDCWD, request.path.c_str(), how));
  if (!file || !opens) return file;
  file = refuse_memory(std::move(file));
  if (!file || (request.flags & O_NONBLOCK) != 0) return file;
  const int flags = ::fcntl(file.get(), F_GETFL);
  if (flags < 0 || ::fcntl(file.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) file.reset();
  return file;
}

struct Openat2 {
  using Request = Openat2Request;
  using Response = OpenedFile;

  static bool takes_personality(const Request& /*request*/) { return true; }

  static Result<Response> run(const Request& request, const Context& context) {
    if (auto entered = enter_directories(request.header); !entered) return entered.error();
    // While the agent may still look everywhere.
    if (request.verify_fs) {
      if (auto error = check_filesystem(request)) return *error;
    }
    if (auto taken = take_rights(request.header, context); !taken) return taken.error();
    UniqueFd file = open_without_waiting(request);
    if (!file) return path_error("openat2", request.path);
    // The path may have changed in between.
    if (request.verify_fs && !is_on_fuse(file.get())) return path_error("openat2", request.path, EIO);
    return OpenedFile{std::move(file)};
  }
};

}  // namespace

extern const Operation kOpenat2;
const Operation kOpenat2 = make_operation<Openat2>("openat2SyscallRequest", "openat2SyscallResponse");

}  // namespace nsenterd::operations
