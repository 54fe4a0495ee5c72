#include "daemon/status_line.hpp"

#include <chrono>
#include <utility>

#include <spdlog/fmt/fmt.h>

namespace nsenterd::daemon {
namespace {

constexpr std::chrono::seconds kInterval{1};

std::string text_of(const StatusLine::Load& load) {
  const auto plural = [](std::size_t count) { return count == 1 ? "" : "s"; };
  return fmt::format("{} client{}, {} event{} under way, {} agent{} warm", load.clients, plural(load.clients),
                     load.events, plural(load.events), load.warm_agents, plural(load.warm_agents));
}

}  // namespace

StatusLine::StatusLine(const boost::asio::any_io_executor& executor, ServiceManager& manager,
                       std::function<Load()> load)
    : manager_(manager), timer_(executor), load_(std::move(load)) {
  manager_.status(text_of(told_));
}

void StatusLine::changed() {
  if (waiting_ || !manager_.is_listening()) return;
  waiting_ = true;
  timer_.expires_after(kInterval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look();
  });
}

void StatusLine::look() {
  waiting_ = false;
  const Load load = load_();
  if (load != told_) manager_.status(text_of(load));
  told_ = load;
  // Events and warm agents end without anybody saying so. Clients do say it, so those that are idle wake nobody.
  if (load.events > 0 || load.warm_agents > 0) changed();
}

}  // namespace nsenterd::daemon
