// The typed requests, against what sysbox-fs's own types encode to.
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include <nsenterd/requests.hpp>

#include "support/catch.hpp"
#include "wire/json.hpp"

namespace nsenterd::test {
namespace {

using wire::Json;

Json vector_of(const std::string& name) {
  std::ifstream file(std::string(NSENTERD_TEST_DATA "/vectors/") + name + ".json");
  return Json::parse(file).at("message");
}

Json to_json(const Message& message) {
  Json value = Json::object();
  value["message"] = message.type;
  value["payload"] = message.payload;
  return value;
}

/// What a client makes of a response of the vectors.
template <class R>
ClientResult<typename R::Response> decode(const Json& message, std::vector<UniqueFd> descriptors = {}) {
  Response response{{message.at("message"), message.at("payload")}, {}, std::move(descriptors)};
  return R::decode(response);
}

constexpr std::uint64_t kAll = 0x1FFFFFFFFFFU;

TEST_CASE("typed requests are encoded as sysbox-fs encodes them") {
  using namespace requests;
  const Personality caller{.cwd = "/root", .capabilities = kAll};
  const Personality jailed{.root = "/chroot/jail", .capabilities = 2818844155};
  const PrivateMounts procfs{.procfs = true};
  const PrivateMounts sysfs{.sysfs = true};
  const auto check = [](const char* name, const auto& request) {
    INFO(name);
    CHECK(to_json(request.message()) == vector_of(name));
  };
  check("request-lookup", Lookup{"/proc/sys/net/ipv4/ip_forward", procfs});
  check("request-lookup-sysfs", Lookup{"/sys/module/nf_conntrack/parameters/hashsize", sysfs});
  check("request-open", OpenFile{"/proc/sys/kernel/domainname", 32770, 0, procfs});
  check("request-open-rdonly", OpenFile{"/sys/kernel/profiling", 0, 420, sysfs});
  check("request-read", ReadFile{"/proc/sys/net/core/somaxconn", 0, 4096, procfs});
  check("request-write", WriteFile{"/proc/sys/net/core/somaxconn", 0, "1024\n", procfs});
  check("request-readdir", ReadDir{"/proc/sys/net/", procfs});
  check("request-readlink", ReadLink{"/sys/class/net/lo", sysfs});
  check("request-mount-proc", Mount{{{"proc", "/mnt/proc", "proc", 15, "", caller},
                                     {"/proc/sys", "/mnt/proc/sys", "", 4096, "", caller}}});
  check("request-mount-overlay",
        Mount{{{"overlay", "/merged", "overlay", 0, "lowerdir=/l1:/l2,upperdir=/u,workdir=/w", jailed}}});
  check("request-chown", Chown{{{"/mnt/proc", 0, 0}, {"/mnt/x", std::nullopt, 1000}}});
  check("request-mountinfo", MountInfo{});
  check("request-mountinode", MountInode{{"/", "/proc", "/does/not/exist"}});
  check("request-sleep", Sleep{30});
  check("request-setxattr", SetXattr{"/data/f", "trusted.overlay.opaque", "y"});
  check("request-getxattr", GetXattr{"/data/f", "trusted.overlay.opaque", 64, false, caller});
  check("request-removexattr", RemoveXattr{"/data/f", "trusted.x"});
  check("request-listxattr", ListXattr{"/data/f", 256, true, caller});
  check("request-uidinfo", UidInfo{"www-data"});
  check("request-gidinfo", GidInfo{"docker"});
  check("request-openat2", Openat2{"/proc/sys/kernel/hostname", 524288, 0, 0, true, caller});
}

TEST_CASE("an umount says nothing of a caller, whom nobody looks at") {
  Json expected = vector_of("request-umount");
  for (Json& element : expected["payload"])
    element["Header"] = {{"root", "/"}, {"cwd", "/"}, {"capabilities", {0, 0}}};
  CHECK(to_json(requests::Umount{{{"/mnt/proc/sys", 2}, {"/mnt/proc", 2}}}.message()) == expected);
}

TEST_CASE("a request is on somebody's behalf only if it says so") {
  Json expected = vector_of("request-read");
  expected["payload"]["header"] = {{"root", "/jail"}, {"cwd", "/"}, {"capabilities", {1, 2}}};
  const requests::Personality caller{.root = "/jail", .capabilities = 0x200000001};
  CHECK(to_json(requests::ReadFile{"/proc/sys/net/core/somaxconn", 0, 4096, {.procfs = true}, caller}
                    .message()) == expected);
}

TEST_CASE("responses become what they say") {
  using namespace requests;
  const auto link = decode<Lookup>(vector_of("response-lookup-symlink"));
  REQUIRE(link.has_value());
  CHECK(link->name == "self");
  CHECK(S_ISLNK(link->status.st_mode));
  CHECK(link->status.st_gid == 65534);
  CHECK(link->status.st_ctim.tv_nsec == 999999999);
  CHECK(decode<ReadFile>(vector_of("response-read")).value() == "4096\n");
  CHECK(decode<ReadLink>(vector_of("response-readlink")).value() == "../../devices/virtual/net/lo");
  CHECK(decode<ReadDir>(vector_of("response-readdir")).value().front().name == "core");
  CHECK(decode<MountInode>(vector_of("response-mountinode")).value() == std::vector<std::uint64_t>{2, 1, 0});
  CHECK(decode<UidInfo>(vector_of("response-uidinfo")).value() == 33);
  const auto attribute = decode<GetXattr>(vector_of("response-getxattr"));
  REQUIRE(attribute.has_value());
  CHECK(attribute->value == "y");
  CHECK(attribute->size == 1);
}

TEST_CASE("the length of an attribute is not taken for its value") {
  const auto length = decode<requests::GetXattr>(
      {{"message", "getxattrSyscallResponse"}, {"payload", {{"val", nullptr}, {"size", 12}}}});
  REQUIRE(length.has_value());
  CHECK(length->value.empty());
  CHECK(length->size == 12);
}

TEST_CASE("an operation that failed says so with its errno") {
  const auto failed = decode<requests::Lookup>(vector_of("response-error-path"));
  REQUIRE(!failed.has_value());
  CHECK(errno_of(failed.error()) == ENOENT);
  CHECK(to_string(failed.error()) == "lstat /does/not/exist: no such file or directory (ENOENT)");
}

/// Such a response is nobody's, and ends as a broken connection does.
template <class R>
void check_malformed(const Json& message) {
  INFO(message.dump());
  const auto result = decode<R>(message);
  REQUIRE(!result.has_value());
  const ClientFailure failure = result.error();
  const auto* disconnected = std::get_if<Disconnected>(&failure);
  REQUIRE(disconnected != nullptr);
  CHECK(disconnected->error == EBADMSG);
  CHECK(disconnected->may_have_run);
}

TEST_CASE("a response that makes no sense is an error") {
  using namespace requests;
  check_malformed<ReadFile>({{"message", "readFileResponse"}, {"payload", "no base64"}});
  check_malformed<ReadFile>({{"message", "lookupResponse"}, {"payload", nullptr}});
  check_malformed<ReadLink>({{"message", "readLinkResponse"}, {"payload", 1}});
  check_malformed<UidInfo>({{"message", "uidInfoResponse"}, {"payload", {{"uid", 33}}}});
  check_malformed<Lookup>({{"message", "errorResponse"}, {"payload", {{"code", "2"}}}});
  check_malformed<GetXattr>(
      {{"message", "getxattrSyscallResponse"}, {"payload", {{"val", "eQ=="}, {"size", 2}}}});
  // The descriptor that it speaks of has not come along.
  check_malformed<Openat2>({{"message", "openat2SyscallResponse"}, {"payload", {{"fd", 0}}}});
}

TEST_CASE("an errno that is none is not taken for success") {
  CHECK(errno_of(OperationFailed{0, ""}) == EIO);
  CHECK(errno_of(OperationFailed{-5, ""}) == EIO);
  CHECK(errno_of(JoinFailed{"setns", 0}) == EIO);
}

}  // namespace
}  // namespace nsenterd::test
