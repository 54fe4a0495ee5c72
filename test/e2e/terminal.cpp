#include "terminal.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/processes.hpp"

namespace nsenterd::test {

Terminal::Terminal(std::vector<std::string> arguments, const std::vector<std::string>& environment,
                   unsigned short rows, unsigned short columns)
    : rows_(rows), columns_(columns) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const winsize size{rows, columns, 0, 0};
  int master = -1;
  pid_ = ::forkpty(&master, nullptr, nullptr, &size);
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "forkpty");
  if (pid_ == 0) {
    ::setenv("TERM", "xterm", 1);
    ::unsetenv("NO_COLOR");
    for (const std::string& variable : environment) ::putenv(const_cast<char*>(variable.c_str()));
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  master_.reset(master);
  ::fcntl(master, F_SETFL, O_NONBLOCK);
  ::fcntl(master, F_SETFD, FD_CLOEXEC);
}

Terminal::~Terminal() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Terminal::type(const std::string& keys) const {
  if (::write(master_.get(), keys.data(), keys.size()) < 0) {
    throw std::system_error(errno, std::generic_category(), "write");
  }
}

void Terminal::resize(unsigned short rows, unsigned short columns) {
  read();
  rows_.assign(rows, "");
  columns_ = columns;
  const winsize size{rows, columns, 0, 0};
  ::ioctl(master_.get(), TIOCSWINSZ, &size);
}

bool Terminal::shows(const std::string& text) {
  return wait_until([&] {
    read();
    return std::any_of(rows_.begin(), rows_.end(),
                       [&](const std::string& row) { return row.find(text) != std::string::npos; });
  });
}

bool Terminal::says(const std::string& bytes) {
  return wait_until([&] {
    read();
    return bytes_.find(bytes) != std::string::npos;
  });
}

bool Terminal::in_alternate_screen(bool wanted) {
  return wait_until([&] {
    read();
    return is_alternate_ == wanted;
  });
}

termios Terminal::modes() const {
  termios modes{};
  ::tcgetattr(master_.get(), &modes);
  return modes;
}

void Terminal::set_modes(const termios& modes) const {
  ::tcsetattr(master_.get(), TCSANOW, &modes);
}

int Terminal::wait() {
  int status = 0;
  // Who writes to a terminal waits for its reader.
  const bool ended = wait_until([&] {
    read();
    return ::waitpid(pid_, &status, WNOHANG) == pid_;
  });
  read();
  if (!ended) return -1;
  pid_ = 0;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void Terminal::read() {
  char buffer[4096];
  for (ssize_t size = 0; (size = ::read(master_.get(), buffer, sizeof buffer)) > 0;) {
    bytes_.append(buffer, static_cast<std::size_t>(size));
    std::for_each(buffer, buffer + size, [this](char byte) { take(byte); });
  }
}

void Terminal::take(char byte) {
  if (byte == '\x1b' || !sequence_.empty()) {
    sequence_ += byte;
    // It ends with a letter, behind the bracket that it begins with.
    const bool ends = sequence_.size() == 2 ? byte != '[' : sequence_.size() > 2 && byte >= 0x40;
    if (ends) carry_out(std::exchange(sequence_, {}));
    return;
  }
  put(byte);
}

void Terminal::carry_out(const std::string& sequence) {
  const auto clear_row = [this](std::size_t row) {
    if (row < rows_.size()) rows_[row].resize(row == row_ ? std::min(column_, rows_[row].size()) : 0);
  };
  if (sequence == "\x1b[H") {
    row_ = column_ = 0;
  } else if (sequence == "\x1b[K") {
    clear_row(row_);
  } else if (sequence == "\x1b[J") {
    for (std::size_t row = row_; row < rows_.size(); ++row) clear_row(row);
  } else if (sequence == "\x1b[?1049h" || sequence == "\x1b[?1049l") {
    is_alternate_ = sequence.back() == 'h';
    rows_.assign(rows_.size(), "");
    row_ = column_ = 0;
  } else if (sequence == "\x1b[?25h" || sequence == "\x1b[?25l") {
    has_cursor_ = sequence.back() == 'h';
  } else if (sequence == "\x1b[?7h" || sequence == "\x1b[?7l") {
    wraps_ = sequence.back() == 'h';
  } else if (!sequence.ends_with('m')) {
    unknown_.push_back(sequence);
  }
}

void Terminal::put(char byte) {
  if (byte == '\r') column_ = 0;
  if (byte == '\n') ++row_;
  if (byte == '\r' || byte == '\n') return;
  if (static_cast<unsigned char>(byte) < 0x20) unknown_.emplace_back(1, byte);
  if (column_ == columns_ && wraps_) {
    ++row_;
    column_ = 0;
  }
  if (row_ >= rows_.size()) {
    // The screen would scroll, and its first row be lost.
    unknown_.emplace_back("scroll");
    row_ = rows_.size() - 1;
  }
  std::string& row = rows_[row_];
  const std::size_t at = std::min(column_, columns_ - 1);
  row.resize(std::max(row.size(), at + 1), ' ');
  row[at] = byte;
  column_ = std::min(column_ + 1, columns_);
}

}  // namespace nsenterd::test
