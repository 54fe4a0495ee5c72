// Extended attributes: the four messages, with the user namespace's and the host's rights.
#include <cerrno>
#include <optional>
#include <system_error>

#include <sys/xattr.h>

#include "container_events.hpp"
#include "support/catch.hpp"
#include "support/message_requests.hpp"
#include "support/precondition.hpp"

namespace nsenterd::test {
namespace {

using message::getxattr;
using message::listxattr;
using message::removexattr;
using message::setxattr;

/// An attribute as the host sees it; of a link itself.
std::optional<std::string> attribute_outside(const ContainerEvents& events, const std::string& path,
                                             const char* name) {
  std::string value(65536, '\0');
  const ssize_t size = ::lgetxattr(events.outside(path).c_str(), name, value.data(), value.size());
  if (size < 0) {
    if (errno == ENODATA) return std::nullopt;
    throw std::system_error(errno, std::generic_category(), "lgetxattr " + path);
  }
  value.resize(static_cast<std::size_t>(size));
  return value;
}

void set_outside(const ContainerEvents& events, const std::string& path, const char* name,
                 const std::string& value) {
  if (::lsetxattr(events.outside(path).c_str(), name, value.data(), value.size(), 0) != 0) {
    throw std::system_error(errno, std::generic_category(), "lsetxattr " + path);
  }
}

/// The attribute as a response gives it: `size` bytes, of which the first `result` count.
void check_value(const Json& payload, const std::string& value, std::size_t size) {
  INFO(payload.dump());
  CHECK(payload["size"] == value.size());
  // In base64, as the bytes may be none that a report can show.
  CHECK(base64_of(bytes_in(payload["val"])) == base64_of(value + std::string(size - value.size(), '\0')));
}

const std::string kNoText("\0\xff\n\xc3(\0", 6);

TEST_CASE("attributes are set, got, listed and removed, whatever bytes they have", "[e2e][xattr]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("set -e; echo > /tmp/file; ln -s file /tmp/link");
  for (const std::string& value : {std::string("text"), kNoText, std::string(), std::string(1000, 'x')}) {
    CAPTURE(value.size());
    CHECK(events.payload(setxattr("/tmp/link", "user.a", base64_of(value))) == "");
    CHECK(attribute_outside(events, "/tmp/file", "user.a") == value);
    check_value(events.payload(getxattr("/tmp/link", "user.a", 1024), events.as(0, 0)), value, 1024);
  }
  CHECK(events.payload(setxattr("/tmp/file", "user.a", nullptr)) == "");
  CHECK(attribute_outside(events, "/tmp/file", "user.a") == "");

  set_outside(events, "/tmp/file", "user.b", "host's");
  check_value(events.payload(getxattr("/tmp/file", "user.b", 6), events.as(0, 0)), "host's", 6);
  const Json list = events.payload(listxattr("/tmp/link", 256), events.as(0, 0));
  REQUIRE(list["size"] == 14);
  const std::string names = bytes_in(list["val"]);
  REQUIRE(names.size() == 256);
  const std::string a_first("user.a\0user.b\0", 14);
  const std::string b_first("user.b\0user.a\0", 14);
  CHECK((names.substr(0, 14) == a_first || names.substr(0, 14) == b_first));
  CHECK(names.substr(14) == std::string(242, '\0'));

  CHECK(events.payload(removexattr("/tmp/link", "user.a")) == "");
  CHECK_FALSE(attribute_outside(events, "/tmp/file", "user.a"));
  CHECK(events.payload(removexattr("/tmp/file", "user.b")) == "");
  check_value(events.payload(listxattr("/tmp/file", 8), events.as(0, 0)), "", 8);
}

TEST_CASE("a buffer of no bytes asks for the length, one too small is refused", "[e2e][xattr]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("echo > /tmp/file");
  set_outside(events, "/tmp/file", "user.a", "12345");
  for (const Json& request : {getxattr("/tmp/file", "user.a", 0), listxattr("/tmp/file", 0)}) {
    const Json payload = events.payload(request, events.as(0, 0));
    INFO(payload.dump());
    CHECK(payload["size"] == (request["message"] == "getxattrSyscallRequest" ? 5 : 7));
    CHECK(bytes_in(payload["val"]).empty());
  }
  CHECK(events.error(getxattr("/tmp/file", "user.a", 4), events.as(0, 0)) == ERANGE);
  CHECK(events.error(listxattr("/tmp/file", 6), events.as(0, 0)) == ERANGE);
  check_value(events.payload(getxattr("/tmp/file", "user.a", 5), events.as(0, 0)), "12345", 5);
  check_value(events.payload(getxattr("/tmp/file", "user.a", 65536), events.as(0, 0)), "12345", 65536);
  check_value(events.payload(listxattr("/tmp/file", 7), events.as(0, 0)), std::string("user.a\0", 7), 7);
}

TEST_CASE("creating and replacing an attribute are told apart", "[e2e][xattr]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("echo > /tmp/file");
  const std::string value = base64_of("value");
  CHECK(events.error(setxattr("/tmp/file", "user.a", value, XATTR_REPLACE)) == ENODATA);
  CHECK(events.error(setxattr("/tmp/file", "user.a", value, XATTR_CREATE)) == 0);
  CHECK(events.error(setxattr("/tmp/file", "user.a", base64_of("other"), XATTR_CREATE)) == EEXIST);
  CHECK(attribute_outside(events, "/tmp/file", "user.a") == "value");
  CHECK(events.error(setxattr("/tmp/file", "user.a", base64_of("other"), XATTR_REPLACE)) == 0);
  CHECK(attribute_outside(events, "/tmp/file", "user.a") == "other");
  CHECK(events.error(setxattr("/tmp/file", "user.a", value, 4)) == EINVAL);
}

TEST_CASE("an attribute that is not there, or cannot be, brings the errno of the syscall", "[e2e][xattr]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("echo > /tmp/file");
  const Json missing = events.response(getxattr("/tmp/file", "user.none", 64), events.as(0, 0));
  CHECK(missing["payload"]["code"] == ENODATA);
  CHECK(missing["payload"]["message"] == "getxattr /tmp/file: no data available");
  CHECK(events.error(removexattr("/tmp/file", "user.none")) == ENODATA);
  for (const auto& [name, error] :
       {std::pair("user." + std::string(251, 'a'), ERANGE), std::pair(std::string(), ERANGE),
        std::pair(std::string("nothing"), EOPNOTSUPP), std::pair(std::string("user."), EINVAL)}) {
    CAPTURE(name);
    CHECK(events.error(setxattr("/tmp/file", name, nullptr)) == error);
    CHECK(events.error(getxattr("/tmp/file", name, 64), events.as(0, 0)) == error);
    CHECK(events.error(removexattr("/tmp/file", name)) == error);
  }
  CHECK(events.error(setxattr("/tmp/file", "user.a", base64_of(std::string(65537, 'x')))) == E2BIG);
}

TEST_CASE("a symbolic link has attributes of its own, for those who may", "[e2e][xattr]") {
  NSENTERD_NEEDS(missing_for_containers());
  NSENTERD_NEEDS(missing_extended_attributes());
  const auto kind = GENERATE(UserNamespace::none, UserNamespace::mapped);
  CAPTURE(kind == UserNamespace::mapped);
  ContainerEvents events(kind);
  events.container().shell("set -e; echo > /tmp/file; ln -s file /tmp/link");
  set_outside(events, "/tmp/file", "user.a", "file's");
  CHECK(events.error(getxattr("/tmp/link", "user.a", 64, "lgetxattr"), events.as(0, 0)) == ENODATA);
  CHECK(events.error(setxattr("/tmp/link", "user.a", nullptr, 0, "lsetxattr")) == EPERM);
  CHECK(events.error(removexattr("/tmp/link", "user.a", "lremovexattr")) == EPERM);
  check_value(events.payload(listxattr("/tmp/link", 16, "llistxattr"), events.as(0, 0)), "", 16);
  CHECK(attribute_outside(events, "/tmp/file", "user.a") == "file's");

  // As root of the host, which needs CAP_SYS_ADMIN among the caller's capabilities to see it.
  Json root_of_host = kAllButUser;
  root_of_host["uid"] = 0;
  root_of_host["gid"] = 0;
  const Json privileged = message::header("/", "/", message::capability(21));
  set_outside(events, "/tmp/file", "trusted.a", "file's");
  CHECK(events.payload(setxattr("/tmp/link", "trusted.a", base64_of("link's"), 0, "lsetxattr"),
                       root_of_host) == "");
  CHECK(attribute_outside(events, "/tmp/link", "trusted.a") == "link's");
  CHECK(attribute_outside(events, "/tmp/file", "trusted.a") == "file's");
  const auto got = [&](const char* syscall) {
    return events.payload(getxattr("/tmp/link", "trusted.a", 6, syscall, privileged), root_of_host);
  };
  check_value(got("lgetxattr"), "link's", 6);
  check_value(got("getxattr"), "file's", 6);
  check_value(events.payload(listxattr("/tmp/link", 16, "llistxattr", privileged), root_of_host),
              std::string("trusted.a\0", 10), 16);
  CHECK(events.payload(removexattr("/tmp/link", "trusted.a", "lremovexattr"), root_of_host) == "");
  CHECK_FALSE(attribute_outside(events, "/tmp/link", "trusted.a"));
  CHECK(attribute_outside(events, "/tmp/file", "trusted.a") == "file's");
}

TEST_CASE("a request about attributes that is wrong is refused, naming what is wrong", "[e2e][xattr]") {
  NSENTERD_NEEDS(missing_for_containers());
  ContainerEvents events(UserNamespace::mapped);
  const Json requests[] = {setxattr("/tmp", "user.a", nullptr), getxattr("/tmp", "user.a", 1),
                           removexattr("/tmp", "user.a"), listxattr("/tmp", 1)};
  const auto blamed_with = [&](Json request, const char* field, const Json& value) {
    request["payload"][field] = value;
    INFO(request.dump());
    return events.blamed(request);
  };
  for (const Json& request : requests) {
    // The syscall of another message is none of this one.
    for (const Json& word : {Json("fgetxattr"), Json("open"), Json(""), Json("getxattr "), Json(1), Json()}) {
      CHECK(blamed_with(request, "syscall", word) == "request.payload.syscall");
    }
    const bool is_get = request["payload"]["syscall"] == "getxattr";
    CHECK(blamed_with(request, "syscall", is_get ? "setxattr" : "getxattr") == "request.payload.syscall");
    CHECK(blamed_with(request, "path", std::string("/\0x", 3)) == "request.payload.path");
    CHECK(blamed_with(request, "path", nullptr) == "request.payload.path");
    for (const auto& [field, value] : request["payload"].items()) {
      Json without = request;
      without["payload"].erase(field);
      CHECK(events.blamed(without) == "request.payload." + field);
    }
  }
  CHECK(blamed_with(requests[0], "name", std::string("user.\0a", 7)) == "request.payload.name");
  CHECK(blamed_with(requests[0], "val", "no base64") == "request.payload.val");
  CHECK(blamed_with(requests[0], "flags", "1") == "request.payload.flags");
  CHECK(blamed_with(requests[1], "size", -1) == "request.payload.size");
  CHECK(blamed_with(requests[3], "size", -1) == "request.payload.size");
  CHECK(blamed_with(requests[3], "Header", nullptr) == "request.payload.Header");
}

}  // namespace
}  // namespace nsenterd::test
