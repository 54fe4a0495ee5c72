// nsenterctl on a terminal of its own, and what a person sees on that.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>
#include <termios.h>

#include <nsenterd/unique_fd.hpp>

namespace nsenterd::test {

/// A pseudoterminal, whose screen is kept as a terminal of that size does, as far as nsenterctl's sequences go. Any other
/// sequence is an error: it is none of nsenterctl's.
class Terminal {
 public:
  /// Runs the program on it, in a session of its own, with these variables besides TERM=xterm.
  explicit Terminal(std::vector<std::string> arguments, const std::vector<std::string>& environment = {},
                    unsigned short rows = 24, unsigned short columns = 100);
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();

  [[nodiscard]] pid_t pid() const { return pid_; }
  void type(const std::string& keys) const;
  void resize(unsigned short rows, unsigned short columns);
  /// Waits until the screen has this text somewhere, in one row.
  bool shows(const std::string& text);
  /// Waits until these bytes have come.
  bool says(const std::string& bytes);
  /// Waits until it has been read to where this is so.
  bool in_alternate_screen(bool wanted);
  /// The rows as they are, without the blanks at their ends.
  [[nodiscard]] const std::vector<std::string>& rows() const { return rows_; }
  /// All bytes that have come so far.
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] bool has_cursor() const { return has_cursor_; }
  /// Sequences that nsenterctl has no use for.
  [[nodiscard]] const std::vector<std::string>& unknown() const { return unknown_; }
  [[nodiscard]] termios modes() const;
  /// As another program on it would.
  void set_modes(const termios& modes) const;
  /// Waits for its end: as CommandResult::status; -1 if it does not end in time.
  int wait();

 private:
  /// Reads what there is.
  void read();
  void take(char byte);
  void carry_out(const std::string& sequence);
  void put(char byte);

  UniqueFd master_;
  pid_t pid_ = 0;
  std::string bytes_;
  std::vector<std::string> rows_;
  std::size_t columns_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  // Of a sequence, what has come of it.
  std::string sequence_;
  bool is_alternate_ = false;
  bool has_cursor_ = true;
  bool wraps_ = true;
  std::vector<std::string> unknown_;
};

}  // namespace nsenterd::test
