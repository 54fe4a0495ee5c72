// openat2: the descriptor that comes is the container's file, opened with the flags and the rights asked for.
#include "support/openat2.hpp"

#include <array>

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/served_container.hpp"

namespace nsenterd::test {
namespace {

using Kind = ServedContainer::Kind;

constexpr std::uint64_t kDacOverride = 1U << 1U;
constexpr std::uint64_t kDacReadSearch = 1U << 2U;

Personality user(uid_t uid, gid_t gid, std::uint64_t capabilities = 0) {
  return {.root = "/", .cwd = "/", .capabilities = capabilities, .uid = uid, .gid = gid};
}

struct stat status_of(const Opened& opened) {
  struct stat status {};
  REQUIRE(::fstat(opened.file.get(), &status) == 0);
  return status;
}

struct stat status_of(const std::string& path) {
  struct stat status {};
  INFO(path);
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

/// Whether it is the file that the container's process 1 sees by that name.
bool is_file_of(const ServedContainer& served, const Opened& opened, const std::string& inside) {
  const auto got = status_of(opened);
  const auto expected = status_of(proc_path(served.container().pid(), "root") + inside);
  return got.st_dev == expected.st_dev && got.st_ino == expected.st_ino;
}

std::string content_of(const Opened& opened) {
  std::array<char, 64> buffer{};
  const ssize_t got = ::pread(opened.file.get(), buffer.data(), buffer.size(), 0);
  return got < 0 ? "error" : std::string(buffer.data(), static_cast<std::size_t>(got));
}

constexpr int kShownFlags =
    O_ACCMODE | O_APPEND | O_PATH | O_NONBLOCK | O_DIRECTORY | O_NOFOLLOW | O_SYNC | O_NOATIME;

TEST_CASE("the descriptor is the container's file with the flags asked for", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_directory("/data");
  served.put_file("/data/file", "content");
  served.container().shell("echo mounted > /dev/shm/file; ln -s file /data/link");
  struct Row {
    const char* path;
    int flags;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"/data/file", O_RDONLY},
           {"/data/file", O_WRONLY},
           {"/data/file", O_RDWR},
           {"/data/file", O_WRONLY | O_APPEND},
           {"/data/file", O_RDWR | O_NONBLOCK},
           {"/data/file", O_RDONLY | O_CLOEXEC},
           {"/data/file", O_RDWR | O_SYNC},
           {"/data/file", O_RDONLY | O_NOATIME | O_NOCTTY},
           {"/data/file", O_PATH},
           {"/data/link", O_PATH | O_NOFOLLOW},
           {"/data", O_RDONLY},
           {"/data", O_RDONLY | O_DIRECTORY},
           {"/data", O_PATH | O_DIRECTORY},
           {"/dev/shm/file", O_RDWR},
           {"/dev/null", O_RDWR},
           {"/proc/sys/kernel/hostname", O_RDONLY},
           {"/", O_PATH},
       }) {
    CAPTURE(row.path, row.flags);
    const Opened opened =
        openat2(served, {}, {.path = row.path, .flags = static_cast<std::uint64_t>(row.flags)});
    CHECK(opened.error == 0);
    if (opened.error != 0) continue;
    CHECK(is_file_of(served, opened, row.path));
    CHECK((::fcntl(opened.file.get(), F_GETFL) & kShownFlags) == (row.flags & kShownFlags));
  }
  CHECK(is_file_of(served, openat2(served, {}, {.path = "/data/link"}), "/data/file"));
  CHECK(served.nothing_left());
}

TEST_CASE("what is done with the descriptor happens to the container's file", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_file("/file", "content");
  CHECK(content_of(openat2(served, {}, {.path = "/file"})) == "content");
  const Opened appending = openat2(served, {}, {.path = "/file", .flags = O_WRONLY | O_APPEND});
  CHECK(::write(appending.file.get(), " more", 5) == 5);
  CHECK(read_file(served.path("/file")) == "content more");
  const Opened truncated = openat2(served, {}, {.path = "/file", .flags = O_WRONLY | O_TRUNC});
  CHECK(status_of(truncated).st_size == 0);
  CHECK(read_file(served.path("/file")).empty());
  // Opened for one thing, it serves for no other.
  CHECK(::read(appending.file.get(), nullptr, 0) == -1);
  const Opened reading = openat2(served, {}, {.path = "/file"});
  CHECK(::write(reading.file.get(), "x", 1) == -1);
}

TEST_CASE("a file is created with the mode and the owner asked for", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_directory("/home", 0755, 1000, 1001);
  served.put_directory("/roots");
  const Personality owner = user(1000, 1001);
  for (const mode_t mode : {0640U, 0666U, 0U, 04755U}) {
    CAPTURE(mode);
    const std::string path = "/home/file" + std::to_string(mode);
    const Opened made =
        openat2(served, owner, {.path = path, .flags = O_CREAT | O_EXCL | O_RDWR, .mode = mode});
    CHECK(made.error == 0);
    if (made.error != 0) continue;
    CHECK(is_file_of(served, made, path));
    const auto status = status_of(served.path(path).native());
    CHECK(status.st_mode == (S_IFREG | mode));
    CHECK(status.st_uid == served.host_id(1000));
    CHECK(status.st_gid == served.host_id(1001));
    CHECK(openat2(served, owner, {.path = path, .flags = O_CREAT | O_EXCL | O_RDWR, .mode = mode}).error ==
          EEXIST);
  }
  const Opened nameless =
      openat2(served, owner, {.path = "/home", .flags = O_TMPFILE | O_RDWR, .mode = 0600});
  REQUIRE(nameless.error == 0);
  CHECK(status_of(nameless).st_nlink == 0);
  CHECK(status_of(nameless).st_mode == (S_IFREG | 0600));
  CHECK(status_of(nameless).st_uid == served.host_id(1000));
  CHECK(::write(nameless.file.get(), "x", 1) == 1);

  const Opened roots =
      openat2(served, {}, {.path = "/roots/file", .flags = O_CREAT | O_WRONLY, .mode = 0600});
  REQUIRE(roots.error == 0);
  CHECK(status_of(roots).st_uid == served.host_id(0));
  CHECK(openat2(served, owner, {.path = "/roots/other", .flags = O_CREAT | O_WRONLY, .mode = 0600}).error ==
        EACCES);
  CHECK_FALSE(std::filesystem::exists(served.path("/roots/other")));
}

TEST_CASE("a file is opened with the rights of the user and group given, and with no others", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_file("/users", "secret", 0400, 1000, 0);
  served.put_file("/groups", "secret", 0040, 0, 1000);
  const auto error = [&](const Personality& personality, const char* path) {
    return openat2(served, personality, {.path = path}).error;
  };
  CHECK(content_of(openat2(served, user(1000, 1000), {.path = "/users"})) == "secret");
  CHECK(error(user(1000, 7), "/users") == 0);
  CHECK(error(user(1001, 1000), "/users") == EACCES);
  CHECK(error(user(0, 0), "/users") == EACCES);
  CHECK(error({}, "/users") == EACCES);
  CHECK(error(user(7, 1000), "/groups") == 0);
  CHECK(error(user(1000, 7), "/groups") == EACCES);
  for (const std::uint64_t capability : {kDacOverride, kDacReadSearch}) {
    CHECK(error(user(1001, 1001, capability), "/users") == 0);
    CHECK(error(user(7, 7, capability), "/groups") == 0);
    Personality root;
    root.capabilities = capability;
    CHECK(error(root, "/users") == 0);
  }
  // All the others do not help.
  const std::uint64_t others = served.all_capabilities() & ~(kDacOverride | kDacReadSearch);
  CHECK(error(user(1001, 1001, others), "/users") == EACCES);
  CHECK(openat2(served, user(1000, 1000), {.path = "/users", .flags = O_WRONLY}).error == EACCES);
}

/// The groups that the daemon is started with.
class SupplementaryGroups {
 public:
  explicit SupplementaryGroups(gid_t group) : former_(static_cast<std::size_t>(::getgroups(0, nullptr))) {
    REQUIRE(::getgroups(static_cast<int>(former_.size()), former_.data()) >= 0);
    REQUIRE(::setgroups(1, &group) == 0);
  }
  SupplementaryGroups(const SupplementaryGroups&) = delete;
  SupplementaryGroups& operator=(const SupplementaryGroups&) = delete;
  ~SupplementaryGroups() { ::setgroups(former_.size(), former_.data()); }

 private:
  std::vector<gid_t> former_;
};

TEST_CASE("the daemon's supplementary groups are nobody else's", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  const Kind kind = GENERATE(Kind::none, Kind::mapped);
  constexpr gid_t kGroup = 4242;
  const SupplementaryGroups groups(kind == Kind::mapped ? RuncContainer::kFirstId + kGroup : kGroup);
  ServedContainer served(kind);
  REQUIRE(status_field(served.daemon().pid(), "Groups").find("4242") != std::string::npos);
  served.put_file("/groups", "secret", 0040, 7, kGroup);
  CHECK(openat2(served, user(1000, 1000), {.path = "/groups"}).error == EACCES);
  CHECK(openat2(served, user(1000, kGroup), {.path = "/groups"}).error == 0);
  CHECK(openat2(served, {}, {.path = "/groups"}).error == EACCES);
}

TEST_CASE("an id that the container's user namespace does not have is refused by name", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(Kind::mapped);
  served.put_file("/file", "content");
  const Json request = openat2_request({}, {.path = "/file"});
  const auto blamed = [&](const Json& ids) {
    const Json reply = served.reply(request, {}, ids);
    CHECK(error_of(reply) == "org.varlink.service.InvalidParameter");
    return reply.value("parameters", Json::object()).value("parameter", reply.dump());
  };
  for (const std::int64_t id : {0, 1000, 99999, 165536, 1000000}) {
    CAPTURE(id);
    CHECK(blamed({{"uid", id}}) == "uid");
    CHECK(blamed({{"gid", id}}) == "gid");
    CHECK(blamed({{"uid", 100000}, {"gid", id}}) == "gid");
  }
  CHECK(served.nothing_left());
  for (const uid_t id : {0U, 65535U}) CHECK(openat2(served, user(id, id), {.path = "/file"}).error == 0);
  // Who takes no personality does not care.
  CHECK(served.reply(read_request("/file"), {},
                     {{"uid", 1000}, {"gid", 1000}})["parameters"]["response"]["message"] ==
        "readFileResponse");
}

}  // namespace
}  // namespace nsenterd::test
