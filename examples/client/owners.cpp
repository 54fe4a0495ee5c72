// Owners, extended attributes, users and groups: chown, setxattr, getxattr, listxattr, removexattr, uidInfo, gidInfo.
#include "messages.hpp"

namespace client_messages {

using namespace nsenterd::requests;

namespace {
constexpr gid_t kGroup = 1000;
constexpr char kOrigin[] = "client-messages";
}  // namespace

// An id that is left out stays as it is.
std::string chown(Container& container) {
  container.client.request(container.envelope, Chown{.entries = {{.path = kFile, .gid = kGroup}}}).value();
  return std::string("gave ") + kFile + " to group " + std::to_string(kGroup);
}

std::string set_xattr(Container& container) {
  const SetXattr request{.path = kFile, .name = kAttribute, .value = kOrigin};
  container.client.request(container.envelope, request).value();
  return "set " + request.name + " to " + request.value;
}

std::string get_xattr(Container& container) {
  const GetXattr request{.path = kFile, .name = kAttribute};
  const XattrValue origin = container.client.request(container.envelope, request).value();
  expect(origin.value == kOrigin, "not what was set");
  return request.name + " is " + origin.value;
}

std::string list_xattr(Container& container) {
  const XattrValue names = container.client.request(container.envelope, ListXattr{.path = kFile}).value();
  // Each name ends with a NUL.
  expect(names.value.find(kAttribute + std::string(1, '\0')) != std::string::npos,
         "the attribute is not there");
  return "names of " + std::to_string(names.size) + " bytes";
}

std::string remove_xattr(Container& container) {
  const RemoveXattr request{.path = kFile, .name = kAttribute};
  container.client.request(container.envelope, request).value();
  return "removed " + request.name;
}

std::string uid_info(Container& container) {
  const uid_t id = container.client.request(container.envelope, UidInfo{.user = "root"}).value();
  expect(id == 0, "root has another id");
  return "root is user " + std::to_string(id);
}

std::string gid_info(Container& container) {
  const gid_t id = container.client.request(container.envelope, GidInfo{.group = "root"}).value();
  expect(id == 0, "root has another id");
  return "root is group " + std::to_string(id);
}

}  // namespace client_messages
