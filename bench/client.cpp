#include "client.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <sys/socket.h>
#include <sys/un.h>

#include "process.hpp"

namespace nsenterd::bench {

using nlohmann::json;

Message message_of(const Request& request) {
  if (request.is_directory) return {"readDirRequest", {{"dir", request.path}}};
  return {"readFileRequest", {{"file", request.path}, {"offset", 0}, {"len", request.length}}};
}

const char* response_type(const Request& request) {
  return request.is_directory ? "readDirResponse" : "readFileResponse";
}

std::vector<std::string> daemon_command(const Programs& programs, const std::vector<std::string>& options) {
  std::vector<std::string> command{"setpriv",  "--pdeathsig", "KILL",         programs.daemon, "--socket",
                                   "{socket}", "--agent",     programs.agent, "--log-level",   "warn"};
  command.insert(command.end(), options.begin(), options.end());
  return command;
}

std::string send_request_call(const Request& request) {
  const Message message = message_of(request);
  const json parameters{{"pid", request.target},
                        {"namespace", {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"}},
                        {"timeoutMilliseconds", request.timeout.count()},
                        {"request", {{"message", message.type}, {"payload", message.payload}}}};
  return json{{"method", "io.nsenterd.SendRequest"}, {"parameters", parameters}}.dump() + '\0';
}

Client::Client(const std::string& socket) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) throw std::runtime_error(socket + ": too long for a socket");
  std::memcpy(address.sun_path, socket.c_str(), socket.size() + 1);
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw_errno("connect to " + socket);
}

void Client::send(std::string_view call) {
  filled_ = 0;
  if (::send(socket_.get(), call.data(), call.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(call.size()))
    throw_errno("send");
}

bool Client::receive(int flags) {
  if (filled_ == buffer_.size()) buffer_.resize(2 * filled_);
  const ssize_t got = ::recv(socket_.get(), buffer_.data() + filled_, buffer_.size() - filled_, flags);
  if (got < 0) throw_errno("recv");
  if (got == 0) throw std::runtime_error("the daemon closed the connection");
  filled_ += static_cast<std::size_t>(got);
  return buffer_[filled_ - 1] == '\0';
}

void Client::expect(std::string_view response_type) const {
  // What stands before it is short.
  const auto begin = reply().substr(0, 256);
  if (begin.find(R"("message":")" + std::string(response_type) + '"') == std::string_view::npos)
    throw std::runtime_error("instead of an answer: " + std::string(begin));
}

std::string_view Client::exchange(std::string_view call) {
  send(call);
  while (!receive()) {
  }
  return reply();
}

void Client::end() const {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace nsenterd::bench
