// The message types: their table, the recorded messages of sysbox-fs, and the file information.
#include <algorithm>
#include <climits>
#include <filesystem>
#include <fstream>
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

struct Vector {
  std::string file;
  std::string direction;
  std::string type;
  Json payload;
  /// The payload's fields in the order in which they were recorded.
  std::string text;
};

std::vector<Vector> load_vectors() {
  std::vector<Vector> vectors;
  for (const auto& entry : std::filesystem::directory_iterator(NSENTERD_TEST_DATA "/vectors")) {
    std::ifstream file(entry.path());
    const auto content = nlohmann::ordered_json::parse(file);
    const auto& message = content.at("message");
    const std::string text = message.at("payload").dump();
    vectors.push_back(
        {entry.path().filename(), content.at("direction"), message.at("message"), Json::parse(text), text});
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

std::string recorded_text(const char* file) {
  for (const Vector& vector : load_vectors()) {
    if (vector.file == file) return vector.text;
  }
  FAIL("no such recorded message: " << file);
  return {};
}

Json recorded(const char* file) {
  return Json::parse(recorded_text(file));
}

/// Whether a text is the payload of a response of that type.
bool is_response(const std::string& type, const std::string& text) {
  if (type == nsenterd::operations::kErrorResponse) return nsenterd::operations::is_error_response(text);
  const Operation* operation = find_by_response(type);
  REQUIRE(operation != nullptr);
  return operation->is_response(text);
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
  CHECK(all_operations().size() == 19);
  CHECK(find_operation("") == nullptr);
  CHECK(find_operation("noSuchRequest") == nullptr);
  CHECK(find_operation("readFileResponse") == nullptr);
  CHECK(find_operation("readfilerequest") == nullptr);
}

TEST_CASE("Every recorded request passes its check unaltered") {
  int checked = 0;
  for (const Vector& vector : load_vectors()) {
    if (vector.direction != "request") continue;
    CAPTURE(vector.file);
    const Operation* operation = find_operation(vector.type);
    REQUIRE(operation != nullptr);
    const auto request = operation->check(vector.payload);
    REQUIRE(request.has_value());
    CHECK(Json::parse(request->payload) == vector.payload);
    ++checked;
  }
  CHECK(checked == 22);
}

TEST_CASE("Every recorded response is written by its type as it was recorded") {
  int checked = 0;
  for (const Vector& vector : load_vectors()) {
    // As the caller sees it; from the agent it is null.
    if (vector.direction != "response" || vector.file == "response-openat2-filled.json") continue;
    CAPTURE(vector.file);
    CHECK(is_response(vector.type, vector.text));
    ++checked;
  }
  CHECK(checked == 27);
  CHECK(nsenterd::operations::opened_file_payload(17) == recorded("response-openat2-filled.json"));
}

TEST_CASE("Every operation has a recorded request and a recorded response") {
  std::set<std::string> recorded_types;
  for (const Vector& vector : load_vectors()) recorded_types.insert(vector.type);
  // The answer to the one is in all but its type that to the other.
  recorded_types.insert("ListxattrSyscallResponse");
  for (const Operation* operation : all_operations()) {
    CHECK(recorded_types.count(operation->request) == 1);
    CHECK(recorded_types.count(operation->response) == 1);
  }
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
      changed[name] = 1.5;
      CHECK(refused(operation->request, changed) == name);
    }
    CHECK(refused(operation->request, Json(nullptr)).empty());
    CHECK(refused(operation->request, Json::array()).empty());
    CHECK(refused(operation->request, Json(1)).empty());
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

TEST_CASE("Opening, reading and writing a file take a header, or none") {
  const std::map<std::string, Json> requests{{"openFileRequest", recorded("request-open.json")},
                                             {"readFileRequest", recorded("request-read.json")},
                                             {"writeFileRequest", recorded("request-write.json")}};
  const Json header = recorded("request-openat2.json").at("header");
  for (const auto& [type, plain] : requests) {
    CAPTURE(type);
    const Operation* operation = find_operation(type);
    const auto without = operation->check(plain);
    REQUIRE(without.has_value());
    CHECK_FALSE(without->takes_personality);
    Json request = plain;
    request["header"] = nullptr;
    const auto null = operation->check(request);
    REQUIRE(null.has_value());
    CHECK_FALSE(null->takes_personality);
    CHECK(null->payload == without->payload);
    request["header"] = header;
    const auto with = operation->check(request);
    REQUIRE(with.has_value());
    CHECK(with->takes_personality);
    CHECK(Json::parse(with->payload) == request);
    CHECK(with->needs.procfs == without->needs.procfs);
    for (const Json& wrong : {Json(1), Json("x"), Json(true), Json::array()}) {
      request["header"] = wrong;
      CHECK(refused(type.c_str(), request) == "header");
    }
    for (const auto& [name, value] : header.items()) {
      request["header"] = header;
      request["header"].erase(name);
      CHECK(refused(type.c_str(), request) == "header." + name);
      request["header"][name] = nullptr;
      CHECK(refused(type.c_str(), request) == "header." + name);
    }
    request["header"] = header;
    request["header"]["capabilities"] = {0, 4294967296U};
    CHECK(refused(type.c_str(), request) == "header.capabilities[1]");
    request["header"] = header;
    request["header"]["root"] = std::string(PATH_MAX, '/');
    CHECK(refused(type.c_str(), request) == "header.root");
  }
}

TEST_CASE("What takes the caller's personality is known of each request") {
  const std::set<std::string> always{"mountSyscallRequest", "getxattrSyscallRequest",
                                     "ListxattrSyscallRequest", "openat2SyscallRequest"};
  for (const Vector& vector : load_vectors()) {
    if (vector.direction != "request") continue;
    CAPTURE(vector.file);
    const auto checked = find_operation(vector.type)->check(vector.payload);
    REQUIRE(checked.has_value());
    CHECK(checked->takes_personality == always.contains(vector.type));
  }
}

TEST_CASE("A request's unknown fields do not reach the agent") {
  const auto checked = find_operation("lookupRequest")
                           ->check(Json{{"entry", "/x"}, {"MountProcfs", true}, {"evil", {1, 2, 3}}});
  REQUIRE(checked.has_value());
  CHECK(checked->payload == R"({"entry":"/x","MountSysfs":false,"MountProcfs":true})");
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

TEST_CASE("A request that is wrong as a whole is refused, although its fields are right") {
  for (const char* list : {"mountSyscallRequest", "umountSyscallRequest", "chownSyscallRequest"}) {
    CHECK(refused(list, "[]").empty());
    CHECK(refused(list, "null").empty());
  }
  CHECK(refused("mountInodeRequest", R"({"mountpoints":null})") == "fine");
  CHECK(refused("mountInodeRequest", R"({"mountpoints":[]})") == "fine");
  Json overlay = recorded("request-mount-overlay.json");
  overlay.push_back(overlay[0]);
  CHECK(refused("mountSyscallRequest", overlay) == "fine");
  overlay[1]["Header"]["cwd"] = "/elsewhere";
  CHECK(refused("mountSyscallRequest", overlay) == "[1].Header");
  overlay[0]["fstype"] = "tmpfs";
  overlay[1]["fstype"] = "tmpfs";
  CHECK(refused("mountSyscallRequest", overlay) == "fine");
}

TEST_CASE("A list's bad element is named by its place") {
  Json mounts = recorded("request-mount-proc.json");
  mounts[1]["flags"] = -1;
  CHECK(refused("mountSyscallRequest", mounts) == "[1].flags");
  mounts[1]["flags"] = std::numeric_limits<std::uint64_t>::max();
  CHECK(refused("mountSyscallRequest", mounts) == "fine");
  mounts[0]["data"] = std::string(4096, 'x');
  CHECK(refused("mountSyscallRequest", mounts) == "[0].data");
  mounts[0]["data"] = "";
  mounts[1]["Header"]["capabilities"] = {1, 2, 3};
  CHECK(refused("mountSyscallRequest", mounts) == "[1].Header.capabilities");
  mounts[1]["Header"]["capabilities"] = {1, 4294967296U};
  CHECK(refused("mountSyscallRequest", mounts) == "[1].Header.capabilities[1]");
  Json owners = recorded("request-chown.json");
  owners[1]["uid"] = -2;
  CHECK(refused("chownSyscallRequest", owners) == "[1].uid");
  owners[1]["uid"] = 4294967295U;
  CHECK(refused("chownSyscallRequest", owners) == "[1].uid");
  owners[1]["uid"] = 4294967294U;
  CHECK(refused("chownSyscallRequest", owners) == "fine");
  CHECK(refused("mountInodeRequest", R"({"mountpoints":["/",1]})") == "mountpoints[1]");
}

TEST_CASE("A response that an agent should not give is refused") {
  CHECK(is_response("readFileResponse", R"("Zm9v")"));
  for (const char* text : {R"("not base64")", "1", "null", R"("Zm9v" )", R"("Zm9v)"})
    CHECK_FALSE(is_response("readFileResponse", text));
  CHECK_FALSE(is_response("openFileResponse", R"("x")"));
  CHECK_FALSE(is_response("readLinkResponse", "null"));
  CHECK_FALSE(is_response("readLinkResponse", "\"\xff\""));
  const std::string info = recorded_text("response-lookup-file.json");
  CHECK(is_response("lookupResponse", info));
  CHECK(is_response("readDirResponse", "[" + info + "," + info + "]"));
  CHECK(is_response("readDirResponse", "null"));
  CHECK_FALSE(is_response("readDirResponse", "[" + info + "," + info));
  CHECK_FALSE(is_response("readDirResponse", info));
  std::string wrong = info;
  wrong.insert(wrong.find("\"Dev\":") + 6, "-");
  CHECK_FALSE(is_response("lookupResponse", wrong));
  CHECK_FALSE(is_response("readDirResponse", "[" + info + "," + wrong + "]"));
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
