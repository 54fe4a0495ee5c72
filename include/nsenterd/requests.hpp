// The requests that an agent understands, as types: what each asks for, and what it is answered with. docs/messages.md says what they
// do; docs/client.md has an example of each.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

#include <nsenterd/api.hpp>
#include <nsenterd/client_failure.hpp>
#include <nsenterd/envelope.hpp>

namespace nsenterd {

/// What Client::async_request and BlockingClient::request take.
template <class T>
concept Request = requires(const T& request, nsenterd::Response& response) {
  typename T::Response;
  { request.message() } -> std::same_as<Message>;
  { T::decode(response) } -> std::same_as<ClientResult<typename T::Response>>;
};

namespace requests {

/// The process on whose behalf something is done, in whose place the agent acts; its ids are those of the Envelope.
struct Personality {
  std::string root = "/";
  std::string cwd = "/";
  /// The effective, permitted and inheritable ones (capabilities(7)): bit N is capability N.
  std::uint64_t capabilities = 0;
};

/// Of the file at the end of a path, symbolic links not followed. Ids are as the agent's user namespace numbers them.
struct FileInfo {
  /// The path's last component.
  std::string name;
  struct stat status {};
};

/// Whether a request's paths below /proc/ or /sys/ are looked up in a procfs or sysfs of the container's own namespaces that nobody
/// else sees, rather than in what the container has mounted there.
struct PrivateMounts {
  bool procfs = false;
  bool sysfs = false;
};

/// lstat(2).
struct NSENTERD_API Lookup {
  using Response = FileInfo;
  std::string path;
  PrivateMounts private_mounts{};

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// Whether the file may be opened with these flags and mode (open(2)).
struct NSENTERD_API OpenFile {
  using Response = std::monostate;
  std::string path;
  int flags = 0;
  mode_t mode = 0;
  PrivateMounts private_mounts{};
  /// Opened by root of the agent's user namespace if there is none.
  std::optional<Personality> personality{};

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// Up to `length` bytes, 8 MiB at most, from `offset` on: fewer at the end of the file.
struct NSENTERD_API ReadFile {
  using Response = std::string;
  std::string path;
  std::int64_t offset = 0;
  std::int64_t length = 65536;
  PrivateMounts private_mounts{};
  std::optional<Personality> personality{};

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// Writes all of `data` at `offset` of a file that exists.
struct NSENTERD_API WriteFile {
  using Response = std::monostate;
  std::string path;
  std::int64_t offset = 0;
  std::string data;
  PrivateMounts private_mounts{};
  std::optional<Personality> personality{};

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// The entries of a directory, sorted by name, without "." and "..".
struct NSENTERD_API ReadDir {
  using Response = std::vector<FileInfo>;
  std::string path;
  PrivateMounts private_mounts{};

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// readlink(2).
struct NSENTERD_API ReadLink {
  using Response = std::string;
  std::string path;
  PrivateMounts private_mounts{};

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// mount(2) of each in order. If one fails, what those before it have mounted is unmounted.
struct NSENTERD_API Mount {
  using Response = std::monostate;
  struct Entry {
    std::string source;
    std::string target;
    std::string type;
    std::uint64_t flags = 0;
    std::string data;
    /// Looked at where there is an overlay among them; the same in each then.
    Personality personality{};
  };
  std::vector<Entry> entries;

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// umount2(2) of each in order, up to the first that fails.
struct NSENTERD_API Umount {
  using Response = std::monostate;
  struct Entry {
    std::string target;
    std::uint64_t flags = 0;
  };
  std::vector<Entry> entries;

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// chown(2) of each in order, up to the first that fails. An id that is absent stays as it is.
struct NSENTERD_API Chown {
  using Response = std::monostate;
  struct Entry {
    std::string path;
    std::optional<uid_t> uid{};
    std::optional<gid_t> gid{};
  };
  std::vector<Entry> entries;

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// The agent's mountinfo (proc(5)), which is that of the mount namespace that it has joined.
struct NSENTERD_API MountInfo {
  using Response = std::string;

  [[nodiscard]] static Message message();
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// The inode number of each, symbolic links followed; 0 where there is none.
struct NSENTERD_API MountInode {
  using Response = std::vector<std::uint64_t>;
  std::vector<std::string> mountpoints;

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// Sleeps, to hold a place in the namespaces. Usually the request of an asynchronous event.
struct NSENTERD_API Sleep {
  using Response = std::monostate;
  std::uint32_t seconds = 0;

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// setxattr(2); of a symbolic link itself with `no_follow`.
struct NSENTERD_API SetXattr {
  using Response = std::monostate;
  std::string path;
  std::string name;
  std::string value;
  /// XATTR_CREATE or XATTR_REPLACE.
  int flags = 0;
  bool no_follow = false;

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// What getxattr(2) and listxattr(2) bring.
struct XattrValue {
  std::string value;
  /// The system call's result: the length of `value`, or, where 0 bytes were asked for, that of what there is.
  std::size_t size = 0;
};

/// getxattr(2) with a buffer of `size` bytes, 8 MiB at most.
struct NSENTERD_API GetXattr {
  using Response = XattrValue;
  std::string path;
  std::string name;
  std::int64_t size = 65536;
  bool no_follow = false;
  Personality personality{};

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// removexattr(2).
struct NSENTERD_API RemoveXattr {
  using Response = std::monostate;
  std::string path;
  std::string name;
  bool no_follow = false;

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// listxattr(2): names, each with a NUL behind it.
struct NSENTERD_API ListXattr {
  using Response = XattrValue;
  std::string path;
  std::int64_t size = 65536;
  bool no_follow = false;
  Personality personality{};

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// The id of a user in the container's /etc/passwd.
struct NSENTERD_API UidInfo {
  using Response = uid_t;
  std::string user;

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// The id of a group in the container's /etc/group.
struct NSENTERD_API GidInfo {
  using Response = gid_t;
  std::string group;

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

/// openat2(2) on behalf of the caller; the file comes back. `verify_fuse`: only of a file on a FUSE filesystem (EIO otherwise).
struct NSENTERD_API Openat2 {
  using Response = UniqueFd;
  std::string path;
  std::uint64_t flags = 0;
  std::uint64_t mode = 0;
  std::uint64_t resolve = 0;
  bool verify_fuse = false;
  Personality personality{};

  [[nodiscard]] Message message() const;
  static ClientResult<Response> decode(nsenterd::Response& response);
};

}  // namespace requests
}  // namespace nsenterd
