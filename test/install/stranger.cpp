// A program that knows nothing of the tree: it uses what the headers promise across the border between itself and the library. Prints
// where the library is that its modules have, and what is wrong.
//   stranger PID SOCKET      a process in a UTS and a mount namespace of its own, with a file in its /mnt; a daemon
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <variant>

#include <unistd.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <nlohmann/json.hpp>

#include <nsenterd/blocking_client.hpp>
#include <nsenterd/client.hpp>
#include <nsenterd/module_runner.hpp>

namespace {

using nsenterd::Namespace;

std::string uts_namespace() {
  std::string text(64, '\0');
  const auto length = ::readlink("/proc/self/ns/uts", text.data(), text.size());
  text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return text;
}

/// Where static initialisers of this program ran.
const std::string g_uts_of_initialisers = uts_namespace();

std::string loaded_library() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("libnsenterd.so") != std::string::npos) return line.substr(line.find('/'));
  }
  return "none";
}

struct OwnError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int g_mistakes = 0;

void expect(bool fulfilled, const char* what) {
  if (fulfilled) return;
  ++g_mistakes;
  std::cout << "mistake: " << what << '\n';
}

nsenterd::ModuleRun run_of(pid_t pid, const char* module, const char* argument = "") {
  return {.target = pid, .namespaces = {Namespace::uts}, .module = module, .argument = argument};
}

void check_namespaces(pid_t pid) {
  const auto uts = nsenterd::open_namespace(pid, Namespace::uts);
  expect(uts.has_value(), "the namespace cannot be opened");
  auto run = run_of(0, "where");
  run.namespaces = {};
  run.namespace_descriptors[Namespace::uts] = uts->get();
  const auto inside = nsenterd::run(run);
  if (!inside) return expect(false, to_string(inside.error()).c_str());
  const auto space = inside->bytes.find(' ');
  expect(inside->bytes.substr(0, space) != g_uts_of_initialisers, "static initialisers ran outside");
  expect(inside->bytes.substr(0, space) == inside->bytes.substr(space + 1), "joined after the initialisers");
}

void check_failures(pid_t pid) {
  try {
    static_cast<void>(nsenterd::run(run_of(pid, "throw")).value());
    expect(false, "value() of a failure throws nothing");
  } catch (const nsenterd::FailureException& failure) {
    expect(std::get_if<nsenterd::ModuleFailed>(&failure.failure()) != nullptr, "another failure");
    expect(std::string(failure.what()) == "module failed: mine", failure.what());
  }
  const auto errno_failed = nsenterd::run(run_of(pid, "throw-errno"));
  expect(!errno_failed && std::get<nsenterd::ModuleFailed>(errno_failed.error()).error == ENOTTY, "no errno");
  const auto unknown = nsenterd::run(run_of(pid, "nothing"));
  expect(!unknown && std::get<nsenterd::InvalidParameter>(unknown.error()).parameter == "module", "unknown");
  const auto sum = nsenterd::run(run_of(pid, "sum", "[1, 2, 39]"));
  expect(sum && sum->bytes == "42", "sum");
}

/// The program's own descriptors and the library's are on one event loop.
void check_event_loop(pid_t pid) {
  constexpr int kRuns = 16;
  boost::asio::io_context context;
  int ends[2];
  if (::pipe(ends) != 0) return expect(false, "pipe");
  boost::asio::posix::stream_descriptor reader(context, ends[0]);
  boost::asio::posix::stream_descriptor writer(context, ends[1]);
  auto runner = nsenterd::ModuleRunner::create(context.get_executor());
  if (!runner) return expect(false, to_string(runner.error()).c_str());
  int left = kRuns;
  int read = 0;
  int at_once = 0;
  const auto stop_when_done = [&] {
    if (left == 0 && read == kRuns) context.stop();
  };
  std::function<void()> read_on = [&] {
    reader.async_wait(boost::asio::posix::stream_descriptor::wait_read, [&](boost::system::error_code error) {
      char byte = 0;
      if (error || ::read(ends[0], &byte, 1) != 1) return;
      ++read;
      stop_when_done();
      read_on();
    });
  };
  read_on();
  for (int i = 0; i < kRuns; ++i) {
    runner->async_run(run_of(pid, "sum", "[1]"), [&](const nsenterd::Result<nsenterd::ModuleData>& result) {
      expect(result && result->bytes == "1", "asynchronous run");
      if (::write(ends[1], "", 1) != 1) expect(false, "write");
      boost::asio::dispatch(context, [&] { ++at_once; });
      --left;
      stop_when_done();
    });
  }
  context.run_for(std::chrono::seconds(30));
  expect(left == 0 && read == kRuns, "not all runs have ended");
  expect(at_once == kRuns, "dispatch does not know the loop that it is on");
}

const nsenterd::requests::ReadFile kReadFile{.path = "/mnt/file"};
constexpr char kContent[] = "only inside\n";

nsenterd::Envelope envelope_of(pid_t pid) {
  return {.target = pid, .namespaces = nsenterd::Namespaces::all()};
}

void check_blocking_client(pid_t pid, const std::string& socket) {
  nsenterd::BlockingClient client({.socket = socket});
  const auto content = client.request(envelope_of(pid), kReadFile);
  expect(content && *content == kContent, "the client reads something else");
  try {
    static_cast<void>(
        client.request(envelope_of(pid), nsenterd::requests::Lookup{.path = "/mnt/none"}).value());
    expect(false, "value() of a client's failure throws nothing");
  } catch (const nsenterd::ClientFailureException& failure) {
    expect(errno_of(failure.failure()) == ENOENT, "another errno");
    expect(std::string(failure.what()) == "lstat /mnt/none: no such file or directory (ENOENT)",
           failure.what());
  }
  nsenterd::BlockingClient nowhere({.socket = socket + "-none", .patience = std::chrono::milliseconds(0)});
  const auto failed = nowhere.request(envelope_of(pid), kReadFile);
  expect(!failed && std::holds_alternative<nsenterd::Disconnected>(failed.error()), "a client of nobody");
}

/// The program's loop is the client's, too.
void check_client(pid_t pid, const std::string& socket) {
  constexpr int kRequests = 16;
  boost::asio::io_context context;
  nsenterd::Client client(context.get_executor(), {.socket = socket});
  int answered = 0;
  for (int i = 0; i < kRequests; ++i) {
    client.async_request(
        envelope_of(pid), kReadFile, [&](const nsenterd::ClientResult<std::string>& content) {
          expect(content && *content == kContent, "the asynchronous client reads something else");
          boost::asio::dispatch(context, [&] { ++answered; });
        });
  }
  context.run_for(std::chrono::seconds(30));
  expect(answered == kRequests, "not all requests have been answered");
}

}  // namespace

int main(int argc, char** argv) {
  nsenterd::register_module(
      "where", [](const std::string& /*argument*/) { return g_uts_of_initialisers + " " + uts_namespace(); });
  nsenterd::register_module("library", [](const std::string& /*argument*/) { return loaded_library(); });
  nsenterd::register_module("throw",
                            [](const std::string& /*argument*/) -> std::string { throw OwnError("mine"); });
  nsenterd::register_module("throw-errno", [](const std::string& /*argument*/) -> std::string {
    throw std::system_error(ENOTTY, std::generic_category());
  });
  nsenterd::register_json_module("sum", [](const nlohmann::json& numbers) {
    int sum = 0;
    for (const auto& number : numbers) sum += number.get<int>();
    return std::to_string(sum);
  });
  nsenterd::init();

  if (argc != 3) return 2;
  const pid_t pid = std::atoi(argv[1]);
  check_namespaces(pid);
  check_failures(pid);
  check_event_loop(pid);
  check_blocking_client(pid, argv[2]);
  check_client(pid, argv[2]);
  const auto library = nsenterd::run(run_of(pid, "library"));
  std::cout << "library " << (library ? library->bytes : to_string(library.error())) << '\n';
  return g_mistakes == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
