#include "support/daemon.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/processes.hpp"
#include "wire/descriptors.hpp"

namespace nsenterd::test {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

UniqueFd try_connect(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) fail("socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    socket.reset();
  return socket;
}

pid_t start(std::vector<std::string> arguments, const std::filesystem::path& log) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) fail("fork");
  if (pid > 0) return pid;
  const int null = ::open("/dev/null", O_RDWR);
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(null, 0);
  ::dup2(output, 1);
  ::dup2(output, 2);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

std::vector<std::string> daemon_command(const std::vector<std::string>& options) {
  std::vector<std::string> command{program_under_test("NSENTERD"),      "--socket",    "{socket}", "--agent",
                                   program_under_test("NSENTER_AGENT"), "--log-level", "debug"};
  // Most tests count processes.
  if (std::find(options.begin(), options.end(), "--warm-agents") == options.end()) {
    command.insert(command.end(), {"--warm-agents", "0"});
  }
  command.insert(command.end(), options.begin(), options.end());
  return command;
}

}  // namespace

std::string program_under_test(const char* variable) {
  const char* path = std::getenv(variable);
  if (path == nullptr)
    throw std::runtime_error(std::string(variable) + " is not set: run the tests through meson");
  return path;
}

ServerProcess::ServerProcess(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
  socket_ = directory_ / "socket";
  for (std::string& argument : arguments_) {
    if (const auto at = argument.find("{socket}"); at != std::string::npos) {
      argument.replace(at, sizeof "{socket}" - 1, socket_.native());
    }
  }
  start_again();
}

void ServerProcess::start_again() {
  pid_ = start(arguments_, directory_ / "log");
  if (wait_until([this] { return static_cast<bool>(try_connect(socket_)); })) return;
  end(SIGKILL);
  throw std::runtime_error("the server does not accept connections: " + log());
}

ServerProcess::~ServerProcess() {
  end(SIGKILL);
}

std::string ServerProcess::log() const {
  return read_file(directory_ / "log");
}

void ServerProcess::send_signal(int signal) const {
  if (pid_ != 0) ::kill(pid_, signal);
}

int ServerProcess::end(int signal) {
  if (pid_ == 0) return -1;
  send_signal(signal);
  int status = 0;
  if (!wait_until([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

long resident_memory(pid_t pid) {
  return std::stol(status_field(pid, "VmRSS"));
}

Daemon::Daemon(const std::vector<std::string>& options) : ServerProcess(daemon_command(options)) {}

pid_t Daemon::fork_server() const {
  const auto children = children_of(pid());
  if (children.empty()) throw std::runtime_error("the daemon has no fork server");
  return children.front();
}

std::vector<pid_t> Daemon::agents() const {
  auto children = children_of(pid());
  if (!children.empty()) children.erase(children.begin());
  return children;
}

RawClient::RawClient(const std::filesystem::path& socket) : socket_(try_connect(socket)) {
  if (!socket_) fail("connect to " + socket.native());
}

bool RawClient::send(std::string_view bytes, const std::vector<int>& descriptors) {
  std::span<const int> attached(descriptors);
  while (!bytes.empty()) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    const ssize_t sent = wire::send_with_descriptors(socket_.get(), {&part, 1}, attached, MSG_NOSIGNAL);
    if (sent < 0) return false;
    attached = {};
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::optional<std::string> RawClient::receive() {
  // A long reply is searched once, not again with every part that comes.
  std::size_t searched = 0;
  for (;;) {
    if (const auto end = input_.find('\0', searched); end != std::string::npos) {
      std::string message = input_.substr(0, end);
      input_.erase(0, end + 1);
      return message;
    }
    searched = input_.size();
    pollfd readable{socket_.get(), POLLIN, 0};
    if (::poll(&readable, 1, 10000) != 1) throw std::runtime_error("no reply within ten seconds");
    std::array<char, 65536> buffer;
    wire::ReceivedDescriptors<16> received;
    const ssize_t got = wire::receive_with_descriptors(socket_.get(), buffer, received, 0);
    if (got <= 0) return std::nullopt;
    input_.append(buffer.data(), static_cast<std::size_t>(got));
    for (std::size_t i = 0; i < received.size(); ++i) descriptors_.push_back(received.take(i));
  }
}

bool RawClient::has_reply(std::chrono::milliseconds limit) const {
  pollfd readable{socket_.get(), POLLIN, 0};
  return !input_.empty() || ::poll(&readable, 1, static_cast<int>(limit.count())) == 1;
}

Json RawClient::call(std::string_view method, const Json& parameters, const std::vector<int>& descriptors) {
  const Json message{{"method", method}, {"parameters", parameters}};
  if (!send(message.dump() + '\0', descriptors)) throw std::runtime_error("the connection was closed");
  const auto reply = receive();
  if (!reply) throw std::runtime_error("the connection was closed without a reply");
  return Json::parse(*reply);
}

Json RawClient::request(pid_t pid, const Json& message, Json more_parameters) {
  more_parameters["pid"] = pid;
  more_parameters["request"] = message;
  if (!more_parameters.contains("namespace")) more_parameters["namespace"] = kContainerNamespaces;
  return call("io.nsenterd.SendRequest", more_parameters);
}

}  // namespace nsenterd::test
