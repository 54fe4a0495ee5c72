// Answers as large as they may be, and larger.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/mount_namespace.hpp"
#include "support/precondition.hpp"
#include "support/processes.hpp"
#include "support/served_container.hpp"
#include "support/temporary_directory.hpp"

namespace nsenterd::test {
namespace {

namespace fs = std::filesystem;
using Kind = ServedContainer::Kind;

constexpr std::int64_t kLongestRead = 8 << 20;

Json read_dir_request(const std::string& directory) {
  return {{"message", "readDirRequest"}, {"payload", {{"dir", directory}}}};
}

Json read_link_request(const std::string& link) {
  return {{"message", "readLinkRequest"}, {"payload", {{"link", link}}}};
}

/// A filesystem of the host's memory with many files, shown to one container after another.
class Crowd {
 public:
  Crowd(int count, const std::string& prefix) {
    if (::mount("crowd", place_.path().c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0)
      fail("mount");
    const UniqueFd directory(::open(place_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int i = 0; i < count; ++i) {
      // Made in another order than they are to be listed in.
      const std::string name = prefix + std::to_string(static_cast<unsigned>(i) * 2654435761U);
      if (::mknodat(directory.get(), name.c_str(), S_IFREG | 0644, 0) != 0) fail("mknodat");
    }
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() { remove(); }

  void show(const ServedContainer& served, const std::string& inside) const {
    served.put_directory(inside);
    share_mount(served.container().pid(), place_.path(), inside);
  }

  /// What readdir(3) says on the host, in the order of the names' bytes.
  [[nodiscard]] std::vector<std::pair<std::string, ino_t>> listed() const {
    std::vector<std::pair<std::string, ino_t>> entries;
    DIR* directory = ::opendir(place_.path().c_str());
    while (const dirent* entry = ::readdir(directory)) {
      if (const std::string name = entry->d_name; name != "." && name != "..")
        entries.emplace_back(name, entry->d_ino);
    }
    ::closedir(directory);
    std::sort(entries.begin(), entries.end());
    return entries;
  }

 private:
  [[noreturn]] void fail(const char* what) {
    const int error = errno;
    remove();
    throw std::system_error(error, std::generic_category(), what);
  }
  void remove() noexcept { ::umount2(place_.path().c_str(), MNT_DETACH); }

  TemporaryDirectory place_;
};

/// What one listing costs a daemon that has answered nothing like it before.
struct Cost {
  double seconds;
  /// Kibibytes.
  long memory;
};

Cost list_and_compare(ServedContainer& served, const std::string& inside, const Crowd& crowd) {
  const auto peak = [&] { return std::stol(status_field(served.daemon().pid(), "VmHWM")); };
  served.error(read_dir_request("/etc"));
  const long before = peak();
  const Json call{{"method", "io.nsenterd.SendRequest"},
                  {"parameters", served.parameters(read_dir_request(inside))}};
  const auto begin = std::chrono::steady_clock::now();
  served.client().send(call.dump() + '\0');
  const auto text = served.client().receive();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  REQUIRE(text);
  const Json reply = Json::parse(*text);
  const Json& response = reply.at("parameters").at("response");
  REQUIRE(response.at("message") == "readDirResponse");
  std::vector<std::pair<std::string, ino_t>> entries;
  for (const Json& entry : response.at("payload"))
    entries.emplace_back(entry.at("Fname"), entry.at("Fsys").at("Ino"));
  // Not with CHECK(==), which would print both.
  const bool equal = entries == crowd.listed();
  CHECK(equal);
  return {elapsed.count(), peak() - before};
}

TEST_CASE("a directory of 100,000 entries is listed whole and sorted, at ten times the cost of 10,000",
          "[e2e][slow]") {
  NSENTERD_NEEDS(missing_for_containers());
  const Crowd few(10000, "f");
  const Crowd many(100000, "f");
  for (const Kind kind : {Kind::none, Kind::mapped}) {
    const auto cost = [&](const Crowd& crowd) {
      ServedContainer served(kind);
      crowd.show(served, "/crowd");
      const Cost spent = list_and_compare(served, "/crowd", crowd);
      CHECK(served.nothing_left());
      return spent;
    };
    const Cost of_few = cost(few);
    const Cost of_many = cost(many);
    CAPTURE(of_few.seconds, of_many.seconds, of_few.memory, of_many.memory);
    CHECK(of_many.seconds < of_few.seconds * 10 * 4 + 0.5);
    if (!kKeepsFreedMemory) CHECK(of_many.memory < of_few.memory * 10 * 2 + 4 * 1024);
  }
}

TEST_CASE("a listing that no answer can hold is an error", "[e2e][slow]") {
  NSENTERD_NEEDS(missing_for_containers());
  // In JSON each of these control characters is six.
  const Crowd crowd(40000, std::string(240, '\x01'));
  for (const Kind kind : {Kind::none, Kind::mapped}) {
    ServedContainer served(kind);
    crowd.show(served, "/crowd");
    CHECK(served.error(read_dir_request("/crowd")) == EMSGSIZE);
    CHECK(served.nothing_left());
    // The daemon is none the worse for it.
    CHECK(served.error(read_dir_request("/etc")) == 0);
  }
}

TEST_CASE("a file of eight mebibytes is read in one request, byte for byte", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  std::string content(kLongestRead, '\0');
  std::mt19937_64 random(1);
  std::generate(content.begin(), content.end(), [&] { return static_cast<char>(random()); });
  served.put_file("/file", content);
  const auto read = [&](std::int64_t offset, std::int64_t length) {
    return Json{{"message", "readFileRequest"},
                {"payload", {{"file", "/file"}, {"offset", offset}, {"len", length}}}};
  };
  const Json response = served.response(read(0, kLongestRead));
  CHECK(response.at("message") == "readFileResponse");
  const bool equal = response.at("payload").get<std::string>() ==
                     output_of({"base64", "-w0", served.path("/file").native()});
  CHECK(equal);
  CHECK(served.error(read(0, kLongestRead + 1)) == EINVAL);
  CHECK(served.error(read(0, std::numeric_limits<std::int64_t>::max())) == EINVAL);
  CHECK(served.response(read(kLongestRead - 3, 64))["payload"].get<std::string>().size() == 4);
  CHECK(served.response(read(kLongestRead, 64))["payload"] == "");
  CHECK(served.response(read(std::numeric_limits<std::int64_t>::max() - 64, 64)).at("message").is_string());
}

TEST_CASE("names and link targets come byte for byte, or as an error where they are not UTF-8", "[e2e]") {
  NSENTERD_NEEDS(missing_for_containers());
  ServedContainer served(GENERATE(Kind::none, Kind::mapped));
  served.put_directory("/names");
  served.put_directory("/links");
  const std::vector<std::string> good{
      "\x01\x1f",        " ",    "\"quoted\"", "\\back\\slash", "a\nb",
      "plain",           "\x7f", "\xc3\xa4",   "\xe2\x82\xac",  "\xf0\x9f\x90\xa7",
      "\xf4\x8f\xbf\xbf"};
  for (const std::string& name : good) {
    served.put_file("/names/" + name, "");
    fs::create_symlink("../" + name, served.path("/links/" + name));
    CAPTURE(name);
    CHECK(served.response(read_link_request("/links/" + name))["payload"] == "../" + name);
  }
  std::vector<std::string> names;
  const Json listing = served.response(read_dir_request("/names"));
  for (const Json& entry : listing.at("payload")) names.push_back(entry.at("Fname"));
  CHECK(names == good);

  int number = 0;
  // A lone byte, one that goes on with nothing, too long a form, a surrogate, beyond Unicode, cut short.
  for (const std::string& bad :
       {std::string("a\xff"), std::string("\x80"), std::string("\xc0\xaf"), std::string("\xed\xa0\x80"),
        std::string("\xf4\x90\x80\x80"), std::string("\xe2\x82")}) {
    const std::string link = "/links/bad" + std::to_string(++number);
    fs::create_symlink(bad, served.path(link));
    CHECK(served.error(read_link_request(link)) == EILSEQ);
    served.put_file("/names/" + bad, "");
    CHECK(served.error(read_dir_request("/names")) == EILSEQ);
    fs::remove(served.path("/names/" + bad));
  }
  CHECK(served.error(read_dir_request("/names")) == 0);
}

}  // namespace
}  // namespace nsenterd::test
