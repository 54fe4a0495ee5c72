#include "companion.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "host_file.hpp"

namespace procfs_companion {
namespace {

constexpr std::size_t kLongestName = 64;
// No container has a name that begins with a dot.
constexpr char kLockFile[] = ".lock";
constexpr char kStateFile[] = ".state";

/// A directory's name, which says nothing in a path or a mount table but itself.
bool is_name(const std::string& name) {
  const auto allowed = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.' ||
           letter == '+';
  };
  return !name.empty() && name.size() <= kLongestName && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace

Companion::Companion(boost::asio::any_io_executor executor, nsenterd::Client& client,
                     std::filesystem::path root)
    : executor_(std::move(executor)), client_(client), root_(std::move(root)) {
  std::filesystem::create_directories(root_);
  lock();
  clean_up();
  restore();
}

Companion::~Companion() {
  for (const auto& [name, served] : served_) served.session->stop();
}

void Companion::lock() {
  lock_.reset(::open((root_ / kLockFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) throw std::system_error(errno, std::generic_category(), root_ / kLockFile);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw std::runtime_error("another companion uses " + root_.native());
  }
}

void Companion::clean_up() {
  // The names alone: to ask what is mounted there would be to ask a filesystem that nobody serves.
  std::vector<std::filesystem::path> left;
  for (const auto& entry : std::filesystem::directory_iterator(root_)) {
    if (is_name(entry.path().filename())) left.push_back(entry.path());
  }
  for (const auto& mount_point : left) remove_mount_point(mount_point);
}

void Companion::restore() {
  for (const Registration& registration : read_state(root_ / kStateFile)) {
    try {
      if (restore(registration)) {
        spdlog::info("{}: is served again", registration.name);
      } else {
        spdlog::info("{}: has ended meanwhile", registration.name);
      }
    } catch (const std::exception& failure) {
      spdlog::error("{}: {}", registration.name, failure.what());
    }
  }
  save();
}

bool Companion::restore(const Registration& registration) {
  std::shared_ptr<const ContainerProcess> process;
  if (const auto& known = registration.process) {
    try {
      process = std::make_shared<ContainerProcess>(known->pid);
    } catch (const std::exception&) {
      return false;
    }
    if (process->start_time() != known->start_time) return false;
  }
  Container& container = mount(registration.name);
  container.restore_limits(registration.limits);
  if (!process) return true;
  container.start(std::move(process), registration.process->idle_at_start);
  attach(registration.name, [name = registration.name](const std::optional<std::string>& problem) {
    if (problem) {
      spdlog::error("{}: its tree is not attached: {}", name, *problem);
    } else {
      spdlog::info("{}: its tree is attached", name);
    }
  });
  return true;
}

Container& Companion::mount(const std::string& name) {
  const auto mount_point = root_ / name;
  std::filesystem::create_directory(mount_point);
  const auto container = std::make_shared<Container>(name, [this] { save(); });
  const auto session = std::make_shared<MountedSession>(executor_, Service{client_, container}, mount_point);
  session->start();
  served_[name] = {container, session};
  return *container;
}

Companion::Served& Companion::at(const std::string& name) {
  const auto found = served_.find(name);
  if (found == served_.end()) throw std::invalid_argument("there is no container \"" + name + '"');
  return found->second;
}

void Companion::add(const std::string& name) {
  if (!is_name(name)) {
    throw std::invalid_argument(
        "a name has 1 to 64 letters, digits, and \"-_.+\", and does not begin with a dot");
  }
  if (served_.contains(name)) throw std::invalid_argument("there is a container \"" + name + "\" already");
  mount(name);
  save();
  spdlog::info("{}: is mounted", name);
}

void Companion::start(const std::string& name, pid_t pid) {
  Container& container = *at(name).container;
  if (container.process())
    throw std::invalid_argument("the container \"" + name + "\" has been started already");
  container.start(std::make_shared<ContainerProcess>(pid), host_idle_time());
  save();
  spdlog::info("{}: its first process is {}", name, pid);
}

void Companion::attach(const std::string& name, Attachment::Done done) {
  const auto& process = at(name).container->process();
  if (!process) throw std::invalid_argument("the container \"" + name + "\" has not been started");
  const auto attachment = std::make_shared<Attachment>(client_, process, root_ / name, std::move(done));
  attachment->start();
}

void Companion::remove(const std::string& name) {
  at(name).session->stop();
  served_.erase(name);
  save();
  spdlog::info("{}: is served no longer", name);
}

std::vector<Registration> Companion::list() const {
  std::vector<Registration> registrations;
  registrations.reserve(served_.size());
  for (const auto& [name, served] : served_) {
    const Container& container = *served.container;
    Registration registration{.name = name, .process = std::nullopt, .limits = container.limits()};
    if (const auto& process = container.process()) {
      registration.process = {process->pid(), process->start_time(), container.idle_at_start()};
    }
    registrations.push_back(std::move(registration));
  }
  return registrations;
}

void Companion::save() const noexcept {
  try {
    write_state(root_ / kStateFile, list());
  } catch (const std::exception& failure) {
    // All that depends on it is what the next companion knows.
    spdlog::error("the state is not written down: {}", failure.what());
  }
}

}  // namespace procfs_companion
