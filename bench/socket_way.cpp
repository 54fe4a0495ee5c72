#include <array>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "way.hpp"

namespace nsenterd::bench {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kStep{10};
constexpr int kPatience = 500;

/// A directory that only we can enter, for the daemon's socket.
class Directory {
 public:
  Directory() {
    std::string name = std::filesystem::temp_directory_path() / "bench-event-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw_errno("mkdtemp");
    path_ = name;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

std::vector<std::string> command_line(const DaemonProgram& daemon, const std::string& socket, Agents agents) {
  std::vector<std::string> arguments{daemon.program, "--socket",    socket, "--agent",
                                     daemon.agent,   "--log-level", "warn"};
  if (agents == Agents::cold) arguments.insert(arguments.end(), {"--warm-agents", "0"});
  arguments.insert(arguments.end(), daemon.arguments.begin(), daemon.arguments.end());
  return arguments;
}

class Socket final : public Way {
 public:
  Socket(const Request& request, const DaemonProgram& daemon, Agents agents)
      : path_(directory_.path() / "socket"), daemon_(command_line(daemon, path_, agents)) {
    connect();
    const json call{{"method", "io.nsenterd.SendRequest"},
                    {"parameters",
                     {{"pid", request.target},
                      {"namespace", {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"}},
                      {"request",
                       {{"message", "readFileRequest"},
                        {"payload", {{"file", request.file}, {"offset", 0}, {"len", 1024}}}}}}}};
    call_ = call.dump() + '\0';
  }

  void run(std::size_t events, Samples& samples) override {
    for (std::size_t i = 0; i < events; ++i) {
      const auto begin = Clock::now();
      const std::string reply = exchange();
      const auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin);
      samples.answered.push_back(static_cast<std::uint64_t>(time.count()));
      const json parsed = json::parse(reply);
      const auto type = json::json_pointer("/parameters/response/message");
      if (!parsed.contains(type) || parsed[type] != "readFileResponse") throw std::runtime_error(reply);
    }
  }

  [[nodiscard]] std::optional<pid_t> daemon() const override { return daemon_.pid(); }
  [[nodiscard]] std::optional<pid_t> fork_server() const override {
    for (const pid_t child : children_of(daemon_.pid())) {
      if (name_of(child) == "nsenter-agent") return child;
    }
    return std::nullopt;
  }

 private:
  void connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) throw std::runtime_error(path_ + ": too long for a socket");
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket_) throw_errno("socket");
    for (int i = 0; i < kPatience && !daemon_.has_ended(); ++i) {
      if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
      std::this_thread::sleep_for(kStep);
    }
    if (daemon_.has_ended()) throw std::runtime_error("the daemon ended instead of listening");
    throw_errno(path_);
  }

  std::string exchange() {
    if (::send(socket_.get(), call_.data(), call_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(call_.size())) {
      throw_errno("send");
    }
    std::string reply;
    std::array<char, 4096> buffer;
    do {
      const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0) throw_errno("recv");
      if (got == 0) throw std::runtime_error("the daemon closed the connection");
      reply.append(buffer.data(), static_cast<std::size_t>(got));
    } while (reply.back() != '\0');
    reply.pop_back();
    return reply;
  }

  Directory directory_;
  std::string path_;
  Process daemon_;
  base::UniqueFd socket_;
  std::string call_;
};

}  // namespace

std::unique_ptr<Way> make_socket(const Request& request, const DaemonProgram& daemon, Agents agents) {
  return std::make_unique<Socket>(request, daemon, agents);
}

}  // namespace nsenterd::bench
