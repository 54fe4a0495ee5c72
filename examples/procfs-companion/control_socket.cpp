#include "control_socket.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include "control_protocol.hpp"

namespace procfs_companion {
namespace {

using Json = nlohmann::json;
using Protocol = boost::asio::local::stream_protocol;
using boost::system::error_code;

Json to_json(const Registration& registration) {
  Json json{{"name", registration.name}, {"limits", registration.limits}, {"pid", nullptr}};
  if (registration.process) json["pid"] = registration.process->pid;
  return json;
}

/// Throws std::exception, or else tells the answer, now or later.
void carry_out(Companion& companion, const Json& command, const std::function<void(const Json&)>& answer) {
  const auto what = command.at("command").get<std::string>();
  if (what == "list") {
    Json containers = Json::array();
    for (const Registration& registration : companion.list()) containers.push_back(to_json(registration));
    return answer({{"containers", std::move(containers)}});
  }
  const auto name = command.at("name").get<std::string>();
  if (what == "attach") {
    return companion.attach(name, [answer](const std::optional<std::string>& problem) {
      answer(problem ? Json{{"error", *problem}} : Json::object());
    });
  }
  if (what == "add") {
    companion.add(name);
  } else if (what == "start") {
    companion.start(name, command.at("pid").get<pid_t>());
  } else if (what == "remove") {
    companion.remove(name);
  } else {
    throw std::invalid_argument("there is no command \"" + what + '"');
  }
  answer(Json::object());
}

/// One command, and the answer to it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Protocol::socket socket, Companion& companion)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), companion_(companion) {}

  void start() {
    timer_.expires_after(std::chrono::seconds(control::kSeconds));
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      error_code ignored;
      if (!error) self->socket_.close(ignored);
    });
    boost::asio::async_read_until(
        socket_, boost::asio::dynamic_buffer(text_, control::kLongestCommand), '\n',
        [self = shared_from_this()](const error_code& error, std::size_t /*length*/) {
          if (error) return self->end();
          self->carry_out();
        });
  }

 private:
  void carry_out() {
    const auto answer = [self = shared_from_this()](const Json& reply) { self->answer(reply); };
    try {
      procfs_companion::carry_out(companion_, Json::parse(text_), answer);
    } catch (const std::exception& failure) {
      answer({{"error", failure.what()}});
    }
  }

  void answer(const Json& reply) {
    text_ = reply.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
    boost::asio::async_write(
        socket_, boost::asio::buffer(text_),
        [self = shared_from_this()](const error_code& /*error*/, std::size_t /*length*/) { self->end(); });
  }

  void end() { timer_.cancel(); }

  Protocol::socket socket_;
  boost::asio::steady_timer timer_;
  Companion& companion_;
  std::string text_;
};

/// What a companion that was killed has left.
void remove_unused(const boost::asio::any_io_executor& executor, const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) throw std::runtime_error(path.native() + " is no socket");
  Protocol::socket probe(executor);
  error_code error;
  probe.connect(Protocol::endpoint(path.native()), error);
  if (!error) throw std::runtime_error("somebody else listens at " + path.native());
  std::filesystem::remove(path);
}

}  // namespace

ControlSocket::ControlSocket(const boost::asio::any_io_executor& executor, Companion& companion,
                             std::filesystem::path path)
    : companion_(companion), path_(std::move(path)), acceptor_(executor) {
  remove_unused(executor, path_);
  acceptor_.open();
  const mode_t mask = ::umask(0177);
  error_code error;
  acceptor_.bind(Protocol::endpoint(path_.native()), error);
  ::umask(mask);
  if (error) throw boost::system::system_error(error, path_);
  acceptor_.listen();
  accept();
}

ControlSocket::~ControlSocket() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void ControlSocket::accept() {
  acceptor_.async_accept([this](const error_code& error, Protocol::socket socket) {
    if (error == boost::asio::error::operation_aborted) return;
    if (error) {
      spdlog::warn("a command is lost: {}", error.message());
    } else {
      std::make_shared<Connection>(std::move(socket), companion_)->start();
    }
    accept();
  });
}

}  // namespace procfs_companion
