// Where modules run: every namespace, by target and by descriptor, and what they find there.
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "modules.hpp"
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

using Json = nlohmann::json;

std::string link_text(std::string_view name, pid_t pid) {
  return std::string(name) + ":[" + std::to_string(namespace_inode(pid, name)) + "]";
}

Json parsed(const std::string& outcome) {
  REQUIRE(outcome.starts_with("ok: "));
  return Json::parse(outcome.substr(4));
}

}  // namespace

TEST_CASE("A module is in all of the target's namespaces") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  const Json found = parsed(runner.ask(in(container, "namespaces")));
  for (const auto name : kNamespaceNames) CHECK(found[std::string(name)] == link_text(name, container.pid()));
}

TEST_CASE("A module is in those namespaces that were opened, and in no other") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  for (const auto name : kNamespaceNames) {
    // Without a mount namespace of its own, the pid namespace is refused; that of the container has its procfs.
    if (name == "pid") continue;
    CAPTURE(name);
    const Namespace kind = namespace_from_name(name).value();
    const UniqueFd opened = open_namespace(container.pid(), kind).value();
    ModuleRun run{.module = "namespaces"};
    run.namespace_descriptors[kind] = opened.get();
    if (name == "mnt") {
      // The container's /proc shows nothing of a process that is not in its pid namespace.
      CHECK(runner.ask(run) == "module failed: readlink: No such file or directory");
      run.module = "list";
      run.argument = "/proc/1/task";
      CHECK(runner.ask(run) == "ok: [\"1\"]");
      continue;
    }
    const Json found = parsed(runner.ask(run));
    for (const auto other : kNamespaceNames)
      CHECK(found[std::string(other)] == link_text(other, other == name ? container.pid() : ::getpid()));
  }
}

TEST_CASE("A module is where all of the opened namespaces are, when their process has ended") {
  NSENTERD_NEEDS(missing_for_containers());
  ModuleRun run{.module = "namespaces"};
  std::vector<UniqueFd> opened;
  Json expected;
  {
    const UnshareContainer container;
    const Target target = Target::open(container.pid()).value();
    for (const auto name : kNamespaceNames) {
      // A pid namespace ends with its process 1.
      if (name == "pid") continue;
      const Namespace kind = namespace_from_name(name).value();
      opened.push_back(open_namespace(target, kind).value());
      run.namespace_descriptors[kind] = opened.back().get();
      expected[std::string(name)] = link_text(name, container.pid());
    }
  }
  // Whose /proc is no process's any more: the descriptors of their own tell what the module has joined.
  run.module = "hostname";
  Runner runner;
  CHECK_THAT(runner.ask(run), Catch::StartsWith("ok: "));
}

TEST_CASE("Neither main nor a static initialiser of the program has run before the join") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  const Json found = parsed(runner.ask(in(container, "describe")));
  CHECK(found["initialisers"] == link_text("mnt", container.pid()));
  CHECK(found["now"] == found["initialisers"]);
}

TEST_CASE("A module finds a process without anything of the host's") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  Runner runner;
  const Json found = parsed(runner.ask(in(container, "describe")));
  CHECK(found["uid"] == 0);
  CHECK(found["gid"] == 0);
  CHECK(found["groups"] == 0);
  CHECK(found["umask"] == 0);
  CHECK(found["dumpable"] == 0);
  CHECK(found["directory"] == "/");
  CHECK(found["nullStreams"] == true);
  CHECK(found["leadsGroup"] == true);
  // The streams, and the socket.
  CHECK(found["descriptors"] == Json{0, 1, 2, 3});
  CHECK(found["variable"] == "as the program has it");
}

TEST_CASE("A module has the root and the working directory that were opened") {
  NSENTERD_NEEDS(missing_for_containers());
  const RuncContainer container(RuncContainer::UserNamespace::mapped);
  container.shell("mkdir -p /jail/inner /jail/bin; cp /bin/busybox /jail/bin/busybox");
  // A process of the container that has changed its root.
  const CommandResult started = container.exec(
      {"/bin/sh", "-c",
       "cd /jail/inner; busybox chroot /jail /bin/busybox sleep 1000 >/dev/null 2>&1 </dev/null & echo"});
  REQUIRE(started.status == 0);
  pid_t jailed = 0;
  REQUIRE(wait_until([&] {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      std::error_code gone;
      if (std::filesystem::read_symlink(entry.path() / "root", gone).native().ends_with("/jail"))
        jailed = std::stoi(name);
    }
    return jailed != 0;
  }));
  const Target target = Target::open(jailed).value();
  const UniqueFd root = open_root(target).value();
  const UniqueFd directory = open_cwd(target).value();
  Runner runner;
  ModuleRun run = in(container, "list", "/");
  run.root = root.get();
  CHECK(parsed(runner.ask(run)).size() == 2);
  run.working_directory = directory.get();
  run.module = "make directory";
  run.argument = "made";
  CHECK(runner.ask(run) == "ok: ");
  CHECK(container.shell("ls -d /jail/made /jail/inner/made 2>/dev/null; true").find("made") !=
        std::string::npos);
}

TEST_CASE("A module is in new namespaces where clone flags ask for them") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  const std::vector<std::uint64_t> combinations{CLONE_NEWNS | CLONE_NEWNET, CLONE_NEWPID,
                                                CLONE_NEWUSER | CLONE_NEWNS, CLONE_NEWUSER | CLONE_NEWPID};
  for (const std::uint64_t flags : combinations) {
    CAPTURE(flags);
    ModuleRun run = in(container, "hostname");
    run.clone_flags = flags;
    CHECK_THAT(runner.ask(run), Catch::StartsWith("ok: "));
  }
  ModuleRun run = in(container, "describe");
  run.clone_flags = CLONE_NEWPID;
  CHECK(parsed(runner.ask(run))["pid"] == 1);
}

TEST_CASE("What cannot be joined is told apart from what cannot be run") {
  NSENTERD_NEEDS(missing_for_containers());
  const UnshareContainer container;
  Runner runner;
  ModuleRun run = in(container, "echo", "x");
  run.target = 0;
  CHECK(runner.ask(run) == "invalid parameter pid");
  run.target = 0x3fffff;
  CHECK(runner.ask(run) == "no such target");
  run = in(container, "nobody knows it");
  CHECK(runner.ask(run) == "invalid parameter module");
  run = in(container, "echo");
  run.argument.resize(kMaxModuleArgument + 1);
  CHECK(runner.ask(run) == "invalid parameter argument");
  run = in(container, "echo");
  run.descriptors.assign(17, 0);
  CHECK(runner.ask(run) == "invalid parameter descriptors");
  run.descriptors = {12345};
  CHECK(runner.ask(run) == "invalid parameter descriptors");
  run = in(container, "echo");
  run.max_result = std::size_t{1} << 40;
  CHECK(runner.ask(run) == "invalid parameter max_result");
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  run = {.module = "echo"};
  run.namespace_descriptors[Namespace::net] = file.get();
  CHECK(runner.ask(run) == "invalid parameter namespaceFileDescriptors.net");
  run = in(container, "echo");
  run.root = file.get();
  CHECK(runner.ask(run) == "invalid parameter rootFileDescriptor");
  const UniqueFd path(::open("/dev/null", O_PATH | O_CLOEXEC));
  run.root = path.get();
  CHECK(runner.ask(run) == "chroot: not a directory (ENOTDIR)");
  CHECK(runner.ask(in(container, "echo", "still there")) == "ok: still there");
}

}  // namespace nsenterd::test
