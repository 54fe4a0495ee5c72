// openat2: where a path leads, and where it must not.
#include <chrono>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include "support/catch.hpp"
#include "support/fuse_mirror.hpp"
#include "support/openat2.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/served_container.hpp"
#include "support/stalled_mount.hpp"

namespace nsenterd::test {
namespace {

using Kind = ServedContainer::Kind;

constexpr std::uint64_t kHighestBit = std::uint64_t{1} << 63U;

Personality at(const std::string& cwd, const std::string& root = "/") {
  return {.root = root, .cwd = cwd, .capabilities = 0, .uid = {}, .gid = {}};
}

/// What the file says that a path leads to; the errno if there is none.
std::string found(ServedContainer& served, const Personality& personality, const OpenHow& how) {
  const Opened opened = openat2(served, personality, how);
  if (opened.error != 0) return std::to_string(opened.error);
  return read_file("/proc/self/fd/" + std::to_string(opened.file.get()));
}

/// Files that say where they are, and links to them.
void put_tree(const ServedContainer& served) {
  for (const char* directory : {"/jail", "/jail/d", "/scratch", "/scratch/d"})
    served.put_directory(directory);
  for (const char* file : {"/top", "/jail/top", "/jail/d/file", "/scratch/file", "/scratch/d/file"}) {
    served.put_file(file, file);
  }
  served.container().shell(
      "ln -s /top /scratch/absolute; ln -s d/file /scratch/relative; ln -s ../top /scratch/upwards; ln -s "
      "/top "
      "/jail/d/absolute;"
      "ln -s loop /scratch/loop; ln -s d /scratch/dlink; echo -n mounted > /dev/shm/file");
}

TEST_CASE("a path is looked up from the caller's directory and root", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  put_tree(served);
  CHECK(found(served, at("/scratch"), {.path = "file"}) == "/scratch/file");
  CHECK(found(served, at("/scratch"), {.path = "./d/../d/file"}) == "/scratch/d/file");
  CHECK(found(served, at("/scratch/d"), {.path = "../file"}) == "/scratch/file");
  CHECK(found(served, at("/scratch"), {.path = "/top"}) == "/top");
  CHECK(found(served, at("/scratch"), {.path = "absolute"}) == "/top");
  CHECK(found(served, at("/scratch"), {.path = "relative"}) == "/scratch/d/file");
  CHECK(found(served, at("/jail", "/jail"), {.path = "/top"}) == "/jail/top");
  CHECK(found(served, at("/jail/d", "/jail"), {.path = "file"}) == "/jail/d/file");
  CHECK(found(served, at("/jail/d", "/jail"), {.path = "../../../top"}) == "/jail/top");
  CHECK(found(served, at("/jail/d", "/jail"), {.path = "/../../top"}) == "/jail/top");
  CHECK(found(served, at("/jail/d", "/jail"), {.path = "absolute"}) == "/jail/top");
  CHECK(openat2(served, at("/jail", "/jail"), {.path = "/scratch/file"}).error == ENOENT);
  CHECK(openat2(served, at("/scratch"), {.path = "loop"}).error == ELOOP);
  CHECK(openat2(served, at("/scratch"), {.path = ""}).error == ENOENT);
  CHECK(openat2(served, at("/scratch"), {.path = "file/x"}).error == ENOTDIR);
  CHECK(openat2(served, at("/scratch"), {.path = "d", .flags = O_WRONLY}).error == EISDIR);
  CHECK(openat2(served, at("/scratch"), {.path = "relative", .flags = O_NOFOLLOW}).error == ELOOP);
  CHECK(openat2(served, at("/scratch"), {.path = std::string(256, 'a')}).error == ENAMETOOLONG);
  CHECK(openat2(served, at("/"), {.path = "/none"}).message.find("/none: no such file or directory") !=
        std::string::npos);
}

TEST_CASE("every restriction of the look-up is the kernel's", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  put_tree(served);
  const auto with = [&](std::uint64_t resolve, const std::string& path,
                        const Personality& where = at("/scratch")) {
    return found(served, where, {.path = path, .resolve = resolve});
  };
  const std::string exdev = std::to_string(EXDEV);
  const std::string eloop = std::to_string(ELOOP);
  const std::string einval = std::to_string(EINVAL);
  CHECK(with(RESOLVE_BENEATH, "d/file") == "/scratch/d/file");
  CHECK(with(RESOLVE_BENEATH, "d/../file") == "/scratch/file");
  CHECK(with(RESOLVE_BENEATH, "relative") == "/scratch/d/file");
  for (const char* path : {"/scratch/file", "../top", "d/../../top", "absolute", "upwards"}) {
    CAPTURE(path);
    CHECK(with(RESOLVE_BENEATH, path) == exdev);
  }
  CHECK(with(RESOLVE_NO_SYMLINKS, "d/file") == "/scratch/d/file");
  for (const char* path : {"relative", "absolute", "dlink/file"}) {
    CAPTURE(path);
    CHECK(with(RESOLVE_NO_SYMLINKS, path) == eloop);
  }
  CHECK(with(RESOLVE_NO_XDEV, "relative") == "/scratch/d/file");
  CHECK(with(RESOLVE_NO_XDEV, "dev/shm/file", at("/")) == exdev);
  CHECK(with(RESOLVE_NO_XDEV, "file", at("/dev/shm")) == "mounted");
  CHECK(with(RESOLVE_NO_MAGICLINKS, "relative") == "/scratch/d/file");
  CHECK(with(RESOLVE_IN_ROOT, "/file") == "/scratch/file");
  CHECK(with(RESOLVE_IN_ROOT, "../../file") == "/scratch/file");
  CHECK(with(RESOLVE_IN_ROOT, "/top", at("/jail/d", "/jail")) == std::to_string(ENOENT));
  CHECK(with(RESOLVE_IN_ROOT, "absolute") == std::to_string(ENOENT));
  // Whether a path is cached is the kernel's affair.
  const std::string cached = with(RESOLVE_CACHED, "file");
  CHECK((cached == "/scratch/file" || cached == std::to_string(EAGAIN)));

  CHECK(with(RESOLVE_BENEATH | RESOLVE_IN_ROOT, "file") == einval);
  CHECK(with(0x80, "file") == einval);
  CHECK(with(kHighestBit, "file") == einval);
}

TEST_CASE("what openat2 does not know is an error, not ignored", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_file("/file", "content");
  const auto error = [&](const OpenHow& how) { return openat2(served, {}, how).error; };
  for (const std::uint64_t flags : {std::uint64_t{1} << 30U, std::uint64_t{1} << 31U, std::uint64_t{1} << 40U,
                                    kHighestBit, std::uint64_t{O_PATH | O_RDWR | O_CREAT}}) {
    CAPTURE(flags);
    CHECK(error({.path = "/file", .flags = flags}) == EINVAL);
  }
  CHECK(error({.path = "/file", .mode = 0600}) == EINVAL);
  CHECK(error({.path = "/new", .flags = O_CREAT | O_WRONLY, .mode = 0200000}) == EINVAL);
  CHECK_FALSE(std::filesystem::exists(served.path("/new")));
}

constexpr const char* kOwnMemory[] = {"/proc/self/mem", "/proc/thread-self/mem", "/mem"};

/// In a user namespace the kernel itself refuses an agent its own memory: that file is the host's root's, because the agent
/// is undumpable.
int refusal_of_own_memory(Kind kind) {
  return kind == Kind::mapped ? EACCES : EPERM;
}

TEST_CASE("magic links lead nowhere, and no process's memory is opened", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  const Kind kind = GENERATE(Kind::none, Kind::mapped);
  ServedContainer served(kind);
  served.put_file("/memory", "");
  served.container().shell(
      "ln -s /proc/self/mem /mem; ln -s /proc/1/root /out; ln -s /proc/self/status /status;"
      "mount --bind /proc/1/mem /memory");
  Personality administrator;
  administrator.capabilities = served.all_capabilities();
  const auto error = [&](const std::string& path, int flags) {
    return openat2(served, administrator, {.path = path, .flags = static_cast<std::uint64_t>(flags)}).error;
  };
  for (const char* path :
       {"/proc/self/fd/0", "/proc/thread-self/fd/0", "/dev/fd/0", "/dev/stdin", "/proc/self/ns/net",
        "/proc/1/ns/mnt", "/proc/self/exe", "/proc/self/cwd", "/proc/self/root/top",
        "/proc/1/root/etc/passwd", "/proc/1/cwd/etc/passwd", "/proc/1/exe", "/out/etc/passwd"}) {
    CAPTURE(path);
    for (const int flags : {O_RDONLY, O_PATH}) CHECK(error(path, flags) == ELOOP);
  }
  for (const int flags : {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_NONBLOCK}) {
    for (const char* path : kOwnMemory) CHECK(error(path, flags) == refusal_of_own_memory(kind));
    for (const char* path : {"/proc/1/mem", "/proc/1/task/1/mem", "/memory"})
      CHECK(error(path, flags) == EPERM);
  }
  // O_PATH opens nothing, and what it names is gone with the agent.
  for (const char* path : kOwnMemory) {
    const Opened named = openat2(served, administrator, {.path = path, .flags = O_PATH});
    CHECK(served.nothing_left());
    const std::string link = "/proc/self/fd/" + std::to_string(named.file.get());
    CHECK(UniqueFd(::open(link.c_str(), O_RDWR | O_CLOEXEC)).get() == -1);
  }
  CHECK(error("/proc/self/status", O_RDONLY) == 0);
  CHECK(error("/status", O_RDONLY) == 0);
  CHECK(served.nothing_left());
}

TEST_CASE("a process's memory is opened by no other message either", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  const Kind kind = GENERATE(Kind::none, Kind::mapped);
  ServedContainer served(kind);
  served.container().shell(
      "ln -s /proc/self/mem /mem; ln -s /proc/self/status /status; ln -s /proc/1/mem /first");
  const auto check = [&](const std::string& path, bool private_procfs, int refusal) {
    CAPTURE(path, private_procfs);
    const Json file{{"file", path}, {"MountProcfs", private_procfs}};
    const auto error = [&](const char* type, Json fields) {
      fields.update(file);
      return served.error({{"message", type}, {"payload", std::move(fields)}});
    };
    CHECK(error("readFileRequest", {{"offset", 0}, {"len", 16}}) == refusal);
    CHECK(error("writeFileRequest", {{"offset", 0}, {"data", "eA=="}}) == refusal);
    CHECK(error("openFileRequest", {{"flags", std::to_string(O_RDONLY)}, {"mode", "0"}}) == refusal);
    CHECK(error("openFileRequest", {{"flags", std::to_string(O_RDWR)}, {"mode", "0"}}) == refusal);
  };
  for (const bool private_procfs : {false, true}) {
    for (const char* path : kOwnMemory) check(path, private_procfs, refusal_of_own_memory(kind));
    for (const char* path : {"/proc/1/mem", "/first"}) check(path, private_procfs, EPERM);
  }
  CHECK(served.error(read_request("/status")) == 0);
}

TEST_CASE("a file that would block is opened at once or not at all", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_directory("/stalled");
  REQUIRE(::mkfifo(served.path("/fifo").c_str(), 0600) == 0);
  served.container().hand_over(served.path("/fifo"));
  const StalledMount stalled(served.container(), "/stalled");
  const auto begin = std::chrono::steady_clock::now();
  CHECK(openat2(served, {}, {.path = "/fifo", .flags = O_WRONLY}).error == ENXIO);
  CHECK(openat2(served, {}, {.path = "/dev/tty", .flags = O_RDWR}).error == ENXIO);
  for (const int flags : {O_RDONLY, O_RDWR, O_RDONLY | O_NONBLOCK}) {
    const Opened fifo = openat2(served, {}, {.path = "/fifo", .flags = static_cast<std::uint64_t>(flags)});
    REQUIRE(fifo.error == 0);
    // Only the opening is not to block; whether reading does is the caller's choice.
    CHECK((::fcntl(fifo.file.get(), F_GETFL) & O_NONBLOCK) == (flags & O_NONBLOCK));
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
  for (const bool verifyfs : {false, true}) {
    const Json request = openat2_request({}, {.path = "/stalled/f", .verifyfs = verifyfs});
    CHECK(error_of(served.reply(request, {}, {{"timeoutMilliseconds", 200}})) == "io.nsenterd.TimedOut");
  }
  CHECK(served.nothing_left());
}

TEST_CASE("a file that has to be on FUSE is refused where it is not, and untouched", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_programs({"bindfs"}));
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_directory("/fuse");
  served.put_file("/file", "content");
  const FuseMirror mirror(served.container(), "/fuse");
  std::filesystem::copy_file(served.path("/file"), mirror.source() / "file");
  std::filesystem::create_symlink("/fuse/file", served.path("/inwards"));
  std::filesystem::create_symlink("/file", mirror.source() / "outwards");
  const auto verified = [&](const std::string& path, std::uint64_t flags = O_RDONLY,
                            const Personality& where = {}) {
    return openat2(served, where, {.path = path, .flags = flags, .verifyfs = true}).error;
  };
  CHECK(verified("/fuse/file") == 0);
  CHECK(verified("/fuse") == 0);
  CHECK(verified("/inwards") == 0);
  CHECK(verified("file", O_RDONLY, at("/fuse")) == 0);
  CHECK(found(served, {}, {.path = "/fuse/file", .verifyfs = true}) == "content");
  for (const char* path : {"/file", "/", "/dev/null", "/proc/version", "/fuse/outwards", "/fuse/../file"}) {
    CAPTURE(path);
    CHECK(verified(path) == EIO);
  }
  CHECK(verified("file", O_RDONLY, at("/")) == EIO);
  CHECK(verified("/file", O_WRONLY | O_TRUNC) == EIO);
  CHECK(read_file(served.path("/file")) == "content");
  CHECK(verified("/new", O_WRONLY | O_CREAT) != 0);
  CHECK_FALSE(std::filesystem::exists(served.path("/new")));
  CHECK(verified("/none") == ENOENT);
  // A link on FUSE to a file that is to be made elsewhere.
  std::filesystem::create_symlink("/made", mirror.source() / "dangling");
  CHECK(verified("/fuse/dangling", O_WRONLY | O_CREAT) == EIO);
  CHECK_FALSE(std::filesystem::exists(served.path("/made")));
  // Without being asked to, nobody looks.
  CHECK(openat2(served, {}, {.path = "/file"}).error == 0);
  CHECK(served.nothing_left());
}

TEST_CASE("what is wrong with an openat2 request is named", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(Kind::mapped);
  const auto blamed = [&](const Json& patch) {
    Json request = openat2_request({}, {.path = "/file"});
    request["payload"].merge_patch(patch);
    const Json reply = served.reply(request);
    CHECK(error_of(reply) == "org.varlink.service.InvalidParameter");
    return reply.value("parameters", Json::object()).value("parameter", reply.dump());
  };
  // A null in a patch takes the field away.
  CHECK(blamed({{"header", nullptr}}) == "request.payload.header");
  CHECK(blamed({{"header", {{"root", nullptr}}}}) == "request.payload.header.root");
  CHECK(blamed({{"header", {{"cwd", std::string(4096, 'x')}}}}) == "request.payload.header.cwd");
  for (const Json& capabilities :
       {Json::array(), Json{1}, Json{1, 2, 3}, Json{-1, 0}, Json{4294967296, 0}, Json("1")}) {
    CAPTURE(capabilities.dump());
    CHECK(blamed({{"header", {{"capabilities", capabilities}}}})
              .starts_with("request.payload.header.capabilities"));
  }
  CHECK(blamed({{"path", std::string("/\0x", 3)}}) == "request.payload.path");
  CHECK(blamed({{"flags", -1}}) == "request.payload.flags");
  CHECK(blamed({{"mode", "0"}}) == "request.payload.mode");
  CHECK(blamed({{"resolve", 1.0}}) == "request.payload.resolve");
  CHECK(blamed({{"verifyfs", nullptr}}) == "request.payload.verifyfs");
  CHECK(blamed({{"verifyfs", 1}}) == "request.payload.verifyfs");
  CHECK(served.nothing_left());
}

}  // namespace
}  // namespace nsenterd::test
