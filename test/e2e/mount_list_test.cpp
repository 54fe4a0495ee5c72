// Lists of mounts, umounts and owners that are wrong: the element and the field are named.
#include "container_events.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/mount_table.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using message::chown;
using message::mount;
using message::owner_of;
using message::tmpfs_on;
using message::umount;
using message::umount_of;

/// A list of two mounts of which the second has the field changed.
Json second_with(const std::string& field, const Json& value) {
  Json element = tmpfs_on("/tmp");
  element[field] = value;
  return mount({tmpfs_on("/tmp"), element});
}

Json second_without(const std::string& field) {
  Json element = tmpfs_on("/tmp");
  element.erase(field);
  return mount({tmpfs_on("/tmp"), element});
}

Json second_with_header(const std::string& field, const Json& value) {
  Json header = message::header();
  header[field] = value;
  return second_with("Header", header);
}

TEST_CASE("a list of mounts that is wrong is refused before any of it is mounted", "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  const std::string before = read_file(proc_path(events.pid(), "mountinfo"));
  CHECK(events.blamed(mount({})) == "request.payload");
  CHECK(events.blamed({{"message", "mountSyscallRequest"}, {"payload", nullptr}}) == "request.payload");
  CHECK(events.blamed({{"message", "mountSyscallRequest"}}) == "request.payload");
  CHECK(events.blamed({{"message", "mountSyscallRequest"}, {"payload", tmpfs_on("/tmp")}}) ==
        "request.payload");
  CHECK(events.blamed(mount({tmpfs_on("/tmp"), Json("/tmp")})) == "request.payload[1]");
  for (const char* field : {"Header", "source", "target", "fstype", "flags", "data"}) {
    CHECK(events.blamed(second_without(field)) == "request.payload[1]." + std::string(field));
    CHECK(events.blamed(second_with(field, false)) == "request.payload[1]." + std::string(field));
  }
  CHECK(events.blamed(second_with("target", std::string("/tmp\0x", 6))) == "request.payload[1].target");
  CHECK(events.blamed(second_with("target", "/" + std::string(4095, 'x'))) == "request.payload[1].target");
  CHECK(events.blamed(second_with("fstype", std::string("tmpfs\0x", 7))) == "request.payload[1].fstype");
  CHECK(events.blamed(second_with("data", std::string("mode=711\0x", 10))) == "request.payload[1].data");
  CHECK(events.blamed(second_with("flags", -1)) == "request.payload[1].flags");
  CHECK(events.blamed(second_with("flags", 1.0)) == "request.payload[1].flags");
  CHECK(events.blamed(second_with("flags", "1")) == "request.payload[1].flags");
  CHECK(events.blamed(second_with("flags", ContainerEvents::kNumber), "18446744073709551616") ==
        "request.payload[1].flags");
  CHECK(read_file(proc_path(events.pid(), "mountinfo")) == before);
}

TEST_CASE("a header that is wrong is refused, naming its field", "[e2e][mount]") {
  NSENTERD_NEEDS(missing_for_containers());
  ContainerEvents events(UserNamespace::mapped);
  CHECK(events.blamed(second_with_header("root", 1)) == "request.payload[1].Header.root");
  CHECK(events.blamed(second_with_header("cwd", nullptr)) == "request.payload[1].Header.cwd");
  CHECK(events.blamed(second_with_header("cwd", std::string("/\0x", 3))) == "request.payload[1].Header.cwd");
  for (const Json& capabilities :
       {Json(0), Json("all"), Json::array({0}), Json::array({0, 0, 0}), Json::array({0, -1}),
        Json::array({4294967296, 0}), Json::array({0.5, 0}), Json::array({"0", 0}), Json()}) {
    CAPTURE(capabilities.dump());
    CHECK(events.blamed(second_with_header("capabilities", capabilities))
              .starts_with("request.payload[1].Header.capabilities"));
  }
  CHECK(mounts_at(events.pid(), "/tmp").empty());
}

TEST_CASE("lists of umounts and of owners name the element that is wrong", "[e2e][mount][chown]") {
  NSENTERD_NEEDS(missing_for_containers());
  ContainerEvents events(UserNamespace::mapped);
  CHECK(events.blamed(umount({})) == "request.payload");
  CHECK(events.blamed(chown({})) == "request.payload");
  Json element = umount_of("/proc");
  element.erase("flags");
  CHECK(events.blamed(umount({element})) == "request.payload[0].flags");
  CHECK(events.blamed(umount({umount_of("/proc"), Json(1)})) == "request.payload[1]");
  CHECK_FALSE(mounts_at(events.pid(), "/proc").empty());

  CHECK(events.blamed(chown({owner_of("/tmp", 1, 1), {{"target", "/tmp"}, {"uid", 1}}})) ==
        "request.payload[1].gid");
  CHECK(events.blamed(chown({owner_of("/tmp", -2, 0)})) == "request.payload[0].uid");
  CHECK(events.blamed(chown({owner_of("/tmp", 0, -2)})) == "request.payload[0].gid");
  CHECK(events.blamed(chown({owner_of("/tmp", 0, 0), owner_of("/tmp", 4294967296, 0)})) ==
        "request.payload[1].uid");
  CHECK(events.blamed(chown({owner_of("/tmp", 0, 4294967296)})) == "request.payload[0].gid");
  // What the kernel takes for -1 is not another way to write it.
  CHECK(events.blamed(chown({owner_of("/tmp", 4294967295, 0)})) == "request.payload[0].uid");
  CHECK(events.blamed(chown({{{"target", "/tmp"}, {"uid", "0"}, {"gid", 0}}})) == "request.payload[0].uid");
  CHECK(events.blamed(chown({owner_of(std::string("/tmp\0x", 6), 0, 0)})) == "request.payload[0].target");
}

}  // namespace
}  // namespace nsenterd::test
