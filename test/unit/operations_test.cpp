// The message types: their table, the recorded messages of sysbox-fs, and the file information.
#include <algorithm>
#include <climits>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>

#include <sys/stat.h>

#include "operations/error_response.hpp"
#include "operations/file_info.hpp"
#include "operations/table.hpp"
#include "support/catch.hpp"

namespace {

using nsenterd::operations::all_operations;
using nsenterd::operations::find_operation;
using nsenterd::operations::go_file_mode;
using nsenterd::operations::Operation;
using nsenterd::operations::rfc3339;
using nsenterd::wire::Json;

/// Types that have recorded messages but no operation yet. A row that is forgotten here, or left here, fails
/// a test.
const std::set<std::string> kNotThereYet{
    "chownSyscallRequest",       "getxattrSyscallRequest", "gidInfoRequest",      "ListxattrSyscallRequest",
    "mountInfoRequest",          "mountInodeRequest",      "mountSyscallRequest", "openat2SyscallRequest",
    "RemovexattrSyscallRequest", "setxattrSyscallRequest", "uidInfoRequest",      "umountSyscallRequest",
};

struct Vector {
  std::string file;
  std::string direction;
  std::string type;
  Json payload;
};

std::vector<Vector> load_vectors() {
  std::vector<Vector> vectors;
  for (const auto& entry : std::filesystem::directory_iterator(NSENTERD_TEST_DATA "/vectors")) {
    std::ifstream file(entry.path());
    const Json content = Json::parse(file);
    const Json& message = content.at("message");
    vectors.push_back(
        {entry.path().filename(), content.at("direction"), message.at("message"), message.at("payload")});
  }
  std::sort(vectors.begin(), vectors.end(), [](const Vector& a, const Vector& b) { return a.file < b.file; });
  return vectors;
}

const Operation* find_by_response(const std::string& response) {
  for (const Operation* operation : all_operations()) {
    if (operation->response == response) return operation;
  }
  return nullptr;
}

std::string request_type_of(const std::string& response) {
  const std::string suffix = "Response";
  return response.substr(0, response.size() - suffix.size()) + "Request";
}

/// The field that a request's payload is refused for; "fine" if it is not.
std::string refused(const char* type, const Json& payload) {
  const Operation* operation = find_operation(type);
  REQUIRE(operation != nullptr);
  const auto checked = operation->check(payload);
  return checked ? "fine" : checked.error().field;
}

std::string refused(const char* type, const char* payload) {
  return refused(type, Json::parse(payload));
}

Json recorded(const char* file) {
  for (const Vector& vector : load_vectors()) {
    if (vector.file == file) return vector.payload;
  }
  FAIL("no such recorded message: " << file);
  return {};
}

}  // namespace

TEST_CASE("Every operation is in the table once, and found by its request") {
  std::set<std::string> names;
  for (const Operation* operation : all_operations()) {
    REQUIRE(operation != nullptr);
    CHECK(names.insert(operation->request).second);
    CHECK(names.insert(operation->response).second);
    CHECK(request_type_of(operation->response) == operation->request);
    CHECK(find_operation(operation->request) == operation);
  }
  CHECK(all_operations().size() >= 7);
  CHECK(find_operation("") == nullptr);
  CHECK(find_operation("noSuchRequest") == nullptr);
  CHECK(find_operation("readFileResponse") == nullptr);
  CHECK(find_operation("readfilerequest") == nullptr);
}

TEST_CASE("Every recorded request passes its check unaltered") {
  int checked = 0;
  for (const Vector& vector : load_vectors()) {
    if (vector.direction != "request") continue;
    const Operation* operation = find_operation(vector.type);
    if (operation == nullptr) continue;
    CAPTURE(vector.file);
    const auto request = operation->check(vector.payload);
    REQUIRE(request.has_value());
    CHECK(request->payload == vector.payload);
    ++checked;
  }
  CHECK(checked >= 9);
}

TEST_CASE("Every recorded response passes its check unaltered") {
  int checked = 0;
  for (const Vector& vector : load_vectors()) {
    if (vector.direction != "response" || vector.type == nsenterd::operations::kErrorResponse) continue;
    const Operation* operation = find_by_response(vector.type);
    if (operation == nullptr) continue;
    CAPTURE(vector.file);
    const auto payload = operation->check_response(vector.payload);
    REQUIRE(payload.has_value());
    CHECK(*payload == vector.payload);
    ++checked;
  }
  CHECK(checked >= 13);
}

TEST_CASE("Every recorded error response passes its check unaltered") {
  int checked = 0;
  for (const Vector& vector : load_vectors()) {
    if (vector.type != nsenterd::operations::kErrorResponse) continue;
    const auto payload = nsenterd::operations::check_error_response(vector.payload);
    REQUIRE(payload.has_value());
    CHECK(*payload == vector.payload);
    ++checked;
  }
  CHECK(checked == 3);
  CHECK_FALSE(nsenterd::operations::check_error_response(Json{{"type", "x"}, {"code", "2"}, {"message", "m"}})
                  .has_value());
  CHECK_FALSE(nsenterd::operations::check_error_response(nullptr).has_value());
}

TEST_CASE("Recorded messages without an operation are exactly the ones known to be missing") {
  std::set<std::string> missing;
  for (const Vector& vector : load_vectors()) {
    if (vector.type == nsenterd::operations::kErrorResponse) continue;
    const std::string request = vector.direction == "request" ? vector.type : request_type_of(vector.type);
    if (find_operation(request) == nullptr) {
      std::cout << "no operation yet: " << vector.file << " (" << vector.type << ")\n";
      missing.insert(request);
    }
  }
  CHECK(missing == kNotThereYet);
}

TEST_CASE("Every field of every recorded request is needed, except the two about private mounts") {
  for (const Vector& vector : load_vectors()) {
    const Operation* operation = find_operation(vector.type);
    if (vector.direction != "request" || operation == nullptr || !vector.payload.is_object()) continue;
    for (const auto& [name, value] : vector.payload.items()) {
      Json changed = vector.payload;
      changed.erase(name);
      CAPTURE(vector.file, name);
      const bool optional = name == "MountSysfs" || name == "MountProcfs";
      CHECK(refused(operation->request, changed) == (optional ? "fine" : name));
      changed[name] = Json::array();
      CHECK(refused(operation->request, changed) == name);
    }
    CHECK(refused(operation->request, Json(nullptr)).empty());
    CHECK(refused(operation->request, Json::array()).empty());
  }
}

TEST_CASE("A request's bad value is named by its field") {
  CHECK(refused("readFileRequest", R"({"file":"/f","offset":-1,"len":1})") == "offset");
  CHECK(refused("readFileRequest", R"({"file":"/f","offset":9223372036854775808,"len":1})") == "offset");
  CHECK(refused("readFileRequest", R"({"file":"/f","offset":0,"len":-1})") == "len");
  CHECK(refused("readFileRequest", R"({"file":"/f","offset":0,"len":1.0})") == "len");
  CHECK(refused("readFileRequest", R"({"file":"/f\u0000","offset":0,"len":1})") == "file");
  CHECK(refused("readFileRequest", Json{{"file", std::string(PATH_MAX, '/')}, {"offset", 0}, {"len", 1}}) ==
        "file");
  CHECK(refused("readFileRequest", R"({"file":"/f","offset":0,"len":1,"MountProcfs":"yes"})") ==
        "MountProcfs");
  CHECK(refused("readFileRequest", R"({"file":"/f","offset":0,"len":1,"MountProcfs":null})") ==
        "MountProcfs");
  CHECK(refused("readFileRequest",
                R"({"file":"/f","offset":9223372036854775807,"len":9223372036854775807})") == "fine");
  CHECK(refused("writeFileRequest", R"({"file":"/f","offset":0,"data":"Zg"})") == "data");
  CHECK(refused("writeFileRequest", R"({"file":"/f","offset":0,"data":null})") == "fine");
  CHECK(refused("openFileRequest", R"({"file":"/f","flags":0,"mode":"0"})") == "flags");
  CHECK(refused("openFileRequest", R"({"file":"/f","flags":"-1","mode":"0"})") == "flags");
  CHECK(refused("openFileRequest", R"({"file":"/f","flags":"2147483648","mode":"0"})") == "flags");
  CHECK(refused("openFileRequest", R"({"file":"/f","flags":"0","mode":"4294967296"})") == "mode");
  CHECK(refused("sleepRequest", R"({"attr":30})") == "attr");
  CHECK(refused("sleepRequest", R"({"attr":"-1"})") == "attr");
  CHECK(refused("sleepRequest", R"({"attr":"1s"})") == "attr");
}

TEST_CASE("A request's unknown fields do not reach the agent") {
  const auto checked = find_operation("lookupRequest")
                           ->check(Json{{"entry", "/x"}, {"MountProcfs", true}, {"evil", {1, 2, 3}}});
  REQUIRE(checked.has_value());
  CHECK(checked->payload == Json{{"entry", "/x"}, {"MountSysfs", false}, {"MountProcfs", true}});
}

TEST_CASE("A private mount is needed only where it is asked for and the path leads there") {
  const auto needs = [](const char* path, bool sysfs, bool procfs) {
    const auto checked = find_operation("lookupRequest")
                             ->check(Json{{"entry", path}, {"MountSysfs", sysfs}, {"MountProcfs", procfs}});
    REQUIRE(checked.has_value());
    return std::string(checked->needs.procfs ? "procfs" : "") + (checked->needs.sysfs ? "sysfs" : "");
  };
  CHECK(needs("/proc/sys", true, true) == "procfs");
  CHECK(needs("/sys/class", true, true) == "sysfs");
  CHECK(needs("/proc/sys", true, false).empty());
  CHECK(needs("/sys/class", false, true).empty());
  CHECK(needs("/etc/passwd", true, true).empty());
  CHECK(needs("/proc", true, true).empty());
  CHECK(needs("/procfs/x", true, true).empty());
  CHECK(needs("proc/x", true, true).empty());
}

TEST_CASE("A response that an agent should not give is refused") {
  const Operation* read_file = find_operation("readFileRequest");
  CHECK_FALSE(read_file->check_response("not base64").has_value());
  CHECK_FALSE(read_file->check_response(1).has_value());
  CHECK(read_file->check_response(nullptr).has_value());
  CHECK_FALSE(find_operation("openFileRequest")->check_response("x").has_value());
  CHECK_FALSE(find_operation("readLinkRequest")->check_response(nullptr).has_value());
  const Operation* lookup = find_operation("lookupRequest");
  Json info = recorded("response-lookup-file.json");
  info["Fsys"]["Dev"] = -1;
  const auto refused_info = lookup->check_response(info);
  REQUIRE_FALSE(refused_info.has_value());
  CHECK(refused_info.error().field == "Fsys.Dev");
  const auto refused_entry = find_operation("readDirRequest")->check_response(Json::array({info}));
  REQUIRE_FALSE(refused_entry.has_value());
  CHECK(refused_entry.error().field == "[0].Fsys.Dev");
  CHECK(find_operation("readDirRequest")->check_response(nullptr).has_value());
}

TEST_CASE("A mode is encoded as Go does, for every kind of file") {
  CHECK(go_file_mode(S_IFREG | 0644) == 0644U);
  CHECK(go_file_mode(S_IFREG | 0777) == 0777U);
  CHECK(go_file_mode(S_IFDIR | 0555) == 2147484013U);
  CHECK(go_file_mode(S_IFLNK | 0777) == 134218239U);
  CHECK(go_file_mode(S_IFBLK | 0660) == 67109296U);
  CHECK(go_file_mode(S_IFCHR | 0666) == ((1U << 26U) | (1U << 21U) | 0666U));
  CHECK(go_file_mode(S_IFIFO | 0600) == 33554816U);
  CHECK(go_file_mode(S_IFSOCK | 0755) == 16777709U);
  CHECK(go_file_mode(0644) == ((1U << 19U) | 0644U));
  CHECK(go_file_mode(S_IFREG | S_ISUID | 0755) == ((1U << 23U) | 0755U));
  CHECK(go_file_mode(S_IFREG | S_ISGID | 0755) == ((1U << 22U) | 0755U));
  CHECK(go_file_mode(S_IFDIR | S_ISVTX | 0777) == ((1U << 31U) | (1U << 20U) | 0777U));
}

TEST_CASE("The recorded modes and times follow from the recorded stat") {
  int checked = 0;
  for (const Vector& vector : load_vectors()) {
    if (vector.type != "lookupResponse") continue;
    CAPTURE(vector.file);
    const Json& sys = vector.payload.at("Fsys");
    CHECK(go_file_mode(sys.at("Mode").get<mode_t>()) == vector.payload.at("Fmode").get<std::uint32_t>());
    ++checked;
  }
  CHECK(checked == 6);
}

TEST_CASE("A time is RFC 3339 in UTC, with no more digits than it has") {
  CHECK(rfc3339({0, 0}) == "1970-01-01T00:00:00Z");
  CHECK(rfc3339({1767225601, 0}) == "2026-01-01T00:00:01Z");
  CHECK(rfc3339({1767225601, 250000000}) == "2026-01-01T00:00:01.25Z");
  CHECK(rfc3339({1767225601, 123456789}) == "2026-01-01T00:00:01.123456789Z");
  CHECK(rfc3339({1767225601, 1}) == "2026-01-01T00:00:01.000000001Z");
  CHECK(rfc3339({1767225601, 100}) == "2026-01-01T00:00:01.0000001Z");
  CHECK(rfc3339({-1, 999999999}) == "1969-12-31T23:59:59.999999999Z");
  CHECK(rfc3339({951782400, 0}) == "2000-02-29T00:00:00Z");
  CHECK(rfc3339({253402300799, 0}) == "9999-12-31T23:59:59Z");
  // What no four-digit year can say.
  CHECK(rfc3339({253402300800, 0}) == "0001-01-01T00:00:00Z");
  CHECK(rfc3339({std::numeric_limits<time_t>::max(), 0}) == "0001-01-01T00:00:00Z");
  CHECK(rfc3339({std::numeric_limits<time_t>::min(), 0}) == "0001-01-01T00:00:00Z");
}

TEST_CASE("An error response reads as Go writes it") {
  const auto error = nsenterd::operations::path_error("lstat", "/does/not/exist", ENOENT);
  CHECK(error.type == "*fs.PathError");
  CHECK(error.code == ENOENT);
  CHECK(error.message == "lstat /does/not/exist: no such file or directory");
}
