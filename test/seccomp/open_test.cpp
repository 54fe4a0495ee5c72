// open(2) and its kin: the process gets a descriptor of the file, if that is where the policy says, and if it may have it.
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "seccomp/served_profile.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using Kind = RuncContainer::UserNamespace;

constexpr char kOpenPolicy[] = R"(
[syscalls.openat2]
handler = "open"
directories = ["/data"]
errno = "EXFULL"
[syscalls.open]
handler = "open"
directories = ["/data"]
answer = "continue"
)";

// As octal and hexadecimal numbers, because that is how the probe takes them.
constexpr char kReadOnly[] = "0";
constexpr char kCloseOnExec[] = "02000000";
constexpr char kCreate[] = "0102";     // O_RDWR | O_CREAT
constexpr char kCreateNew[] = "0302";  // and O_EXCL
constexpr char kNoFollow[] = "0400000";

class OpenScene {
 public:
  explicit OpenScene(Kind kind)
      : agent(kOpenPolicy),
        container(kind, agent, {.calls = {"open", "openat2"}, .metadata = {}, .capabilities = {}}) {
    container.put_directory("/data", 1000, 0755);
    container.put_directory("/data/below", 1000, 0755);
    put("/data/file", "content");
    put("/outside", "secret");
  }

  void put(const std::string& inside, const std::string& text, mode_t mode = 0644) const {
    std::ofstream(container.path(inside)) << text;
    ::chmod(container.path(inside).c_str(), mode);
    container.hand_over(container.path(inside));
  }
  [[nodiscard]] std::string open(const std::string& path, const std::string& flags,
                                 const std::string& mode = "0", const std::string& resolve = "0") const {
    return container.probe({"openat2", "cwd", path, flags, mode, resolve}, {"--user", "1000:1000"});
  }

  SeccompAgent agent;
  ProfiledContainer container;
};

}  // namespace

TEST_CASE("a file is opened, and the process gets a descriptor of it") {
  NSENTERD_NEEDS(missing_for_containers());
  const OpenScene scene(GENERATE(Kind::none, Kind::mapped));
  CHECK(scene.open("/data/file", kReadOnly) == "0 kept content");
  CHECK(scene.open("/data/file", kCloseOnExec) == "0 cloexec content");
  CHECK(scene.container.probe({"openat2", "/data/below", "../file", "0", "0", "0"}) == "0 kept content");
  CHECK(scene.container.probe({"openat2", "/data/below", "../../outside", "0", "0", "0"}) == "EXFULL");
  CHECK(scene.container.probe({"openat2", "/data", "below/../file", "0", "0", "0"}) == "0 kept content");
  CHECK(scene.container.probe({"openat2", "cwd", "file", "0", "0", "0"}, {"--cwd", "/data"}) ==
        "0 kept content");
}

TEST_CASE("a file that is created belongs to the process") {
  NSENTERD_NEEDS(missing_for_containers());
  const OpenScene scene(GENERATE(Kind::none, Kind::mapped));
  CHECK(scene.open("/data/new", kCreate, "0640") == "0 kept ");
  CHECK(scene.open("/data/new", kCreate, "0640") == "0 kept ");
  CHECK(scene.open("/data/new", kCreateNew, "0640") == "EEXIST");
  struct stat status {};
  REQUIRE(::stat(scene.container.path("/data/new").c_str(), &status) == 0);
  CHECK(status.st_uid == scene.container.host_id(1000));
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("what is not below the policy's directories is not opened") {
  NSENTERD_NEEDS(missing_for_containers());
  const OpenScene scene(GENERATE(Kind::none, Kind::mapped));
  const auto link = [&](const char* to, const std::string& inside) {
    std::filesystem::create_symlink(to, scene.container.path(inside));
  };
  link("/outside", "/data/absolute");
  link("../outside", "/data/relative");
  link("file", "/data/good");
  CHECK(scene.open("/outside", kReadOnly) == "EXFULL");
  CHECK(scene.open("/data/../outside", kReadOnly) == "EXFULL");
  CHECK(scene.open("/database", kReadOnly) == "EXFULL");
  CHECK(scene.open("/data/absolute", kReadOnly) == "EXFULL");
  CHECK(scene.open("/data/relative", kReadOnly) == "EXFULL");
  CHECK(scene.open("/data/good", kReadOnly) == "0 kept content");
  CHECK(scene.open("/data/good", kNoFollow) == "ELOOP");
  // RESOLVE_IN_ROOT would be relative to another directory here.
  CHECK(scene.open("/data/file", kReadOnly, "0", "0x10") == "EXFULL");
  CHECK(scene.open("/data/none/../../outside", kCreate, "0600") != "0 kept ");
  CHECK(scene.open("", kReadOnly) == "ENOENT");
  CHECK(scene.open("/data/none", kReadOnly) == "ENOENT");
}

TEST_CASE("neither a device nor a process's file is opened, wherever it is") {
  NSENTERD_NEEDS(missing_for_containers());
  const OpenScene scene(Kind::none);
  REQUIRE(::mknod(scene.container.path("/data/null").c_str(), S_IFCHR | 0666, ::makedev(1, 3)) == 0);
  CHECK(scene.open("/data/null", kReadOnly) == "EXFULL");
  scene.container.put_directory("/data/proc", 0, 0755);
  (void)scene.container.shell("mount -t proc proc /data/proc");
  CHECK(scene.open("/data/proc/uptime", kReadOnly) == "EXFULL");
}

TEST_CASE("a file is opened with the rights of the process") {
  NSENTERD_NEEDS(missing_for_containers());
  const OpenScene scene(GENERATE(Kind::none, Kind::mapped));
  scene.put("/data/private", "secret", 0600);
  CHECK(scene.open("/data/private", kReadOnly) == "EACCES");
  CHECK(scene.open("/data/file", "2") == "EACCES");
  CHECK(scene.container.probe({"openat2", "cwd", "/data/private", "0", "0", "0"}) == "0 kept secret");
}

#if defined(SYS_open) || defined(__x86_64__)
TEST_CASE("where the policy says so the kernel goes on with what is outside") {
  NSENTERD_NEEDS(missing_for_containers());
  const OpenScene scene(Kind::mapped);
  CHECK(scene.container.probe({"open", "/outside", "0", "0"}) == "0 kept secret");
  CHECK(scene.container.probe({"open", "/data/file", "0", "0"}) == "0 kept content");
}
#endif

TEST_CASE("no descriptor of what was opened is left with the agent") {
  NSENTERD_NEEDS(missing_for_containers());
  const OpenScene scene(Kind::mapped);
  const auto before = scene.agent.holdings();
  for (int i = 0; i < 10; ++i) CHECK(scene.open("/data/file", kReadOnly) == "0 kept content");
  CHECK(scene.agent.holds_only(before));
}

}  // namespace nsenterd::test
