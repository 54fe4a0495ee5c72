#include "listener.hpp"

#include <cerrno>
#include <chrono>
#include <system_error>

#include <spdlog/spdlog.h>
#include <unistd.h>

namespace seccomp_agent {
namespace {

using Protocol = boost::asio::local::stream_protocol;

/// Before the next try when there is no descriptor left for a connection.
constexpr std::chrono::milliseconds kPause(100);

bool is_left_over(const boost::asio::any_io_executor& executor, const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  Protocol::socket probe(executor);
  boost::system::error_code error;
  probe.connect(path.native(), error);
  return error == boost::asio::error::connection_refused;
}

}  // namespace

Listener::Listener(const boost::asio::any_io_executor& executor, std::filesystem::path path,
                   Handshake::OnProcess on_process)
    : path_(std::move(path)), acceptor_(executor), pause_(executor), on_process_(std::move(on_process)) {
  bind();
  accept();
}

void Listener::bind() {
  if (is_left_over(acceptor_.get_executor(), path_)) std::filesystem::remove(path_);
  boost::system::error_code error;
  acceptor_.open({}, error);
  // The mode comes from the umask: chmod(2) afterwards would leave a moment, and could meet another file.
  const mode_t umask = ::umask(0177);
  if (!error) acceptor_.bind(path_.native(), error);
  ::umask(umask);
  if (!error) acceptor_.listen(acceptor_.max_listen_connections, error);
  if (error) throw std::system_error(error, "cannot listen on " + path_.native());
  if (::lstat(path_.c_str(), &own_) != 0)
    throw std::system_error(errno, std::generic_category(), path_.native());
}

Listener::~Listener() {
  struct stat now {};
  if (::lstat(path_.c_str(), &now) != 0) return;
  if (now.st_dev == own_.st_dev && now.st_ino == own_.st_ino) ::unlink(path_.c_str());
}

void Listener::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  for (const auto& handshake : handshakes_) {
    if (const auto running = handshake.lock()) running->stop();
  }
}

void Listener::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error, Protocol::socket socket) {
    if (!acceptor_.is_open()) return;
    if (!error) {
      greet(std::move(socket));
      return accept();
    }
    spdlog::error("cannot accept a connection: {}", error.message());
    pause_.expires_after(kPause);
    pause_.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) accept();
    });
  });
}

void Listener::greet(Handshake::Socket socket) {
  std::erase_if(handshakes_, [](const auto& handshake) { return handshake.expired(); });
  const auto handshake = std::make_shared<Handshake>(std::move(socket), on_process_);
  handshakes_.push_back(handshake);
  handshake->start();
}

}  // namespace seccomp_agent
