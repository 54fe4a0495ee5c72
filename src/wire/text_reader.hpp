// Reads payloads from the text that a TextWriter of the same build has written: the other end of a socketpair. What is
// not exactly that is refused, be it good JSON, so that an agent's answer can be passed on as it is once it has been
// read: no value is built, and nothing is written anew. (Both sides.)
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nsenterd::wire {

/// Reads the fields of a payload in the order of its describe(). After a failure nothing more is read.
class TextReader {
 public:
  /// `text` outlives the reader.
  explicit TextReader(std::string_view text) : left_(text) {}

  /// Whether all of the text has been read, and was right.
  [[nodiscard]] bool done() const { return !failed_ && left_.empty(); }

  void text(const char* name, std::string& out, std::size_t limit = std::string::npos) {
    key(name);
    string(out);
    if (out.size() >= limit) failed_ = true;
  }
  void path(const char* name, std::string& out) { text(name, out); }
  void bytes(const char* name, std::string& out) {
    key(name);
    base64(out);
  }
  void boolean(const char* name, bool& out) {
    key(name);
    out = skip("true");
    if (!out) expect("false");
  }
  void optional_boolean(const char* name, bool& out) { boolean(name, out); }
  void word(const char* name, bool& out, const char* first, const char* second);

  template <std::integral T>
  void integer(const char* name, T& out, T low = std::numeric_limits<T>::min(),
               T high = std::numeric_limits<T>::max()) {
    key(name);
    element(out);
    if (out < low || out > high) failed_ = true;
  }
  template <std::integral T>
  void decimal(const char* name, T& out, T low = std::numeric_limits<T>::min(),
               T high = std::numeric_limits<T>::max()) {
    key(name);
    expect("\"");
    element(out);
    expect("\"");
    if (out < low || out > high) failed_ = true;
  }
  void padding(const char* name, const char* value) {
    key(name);
    expect(value);
  }
  template <class T>
  void list(const char* name, std::vector<T>& out) {
    key(name);
    if (skip("null")) return;
    each([&] { element(out.emplace_back()); });
  }
  template <std::integral T, std::size_t Size>
  void array(const char* name, std::array<T, Size>& out) {
    key(name);
    char separator = '[';
    for (T& each : out) {
      expect({&separator, 1});
      separator = ',';
      element(each);
    }
    expect("]");
  }
  template <class T>
  void object(const char* name, T& out) {
    key(name);
    const bool first = std::exchange(first_, true);
    read(out);
    first_ = first;
  }
  /// There, or not there at all.
  template <class T>
  void optional_object(const char* name, std::optional<T>& out) {
    if (is_next(name)) object(name, out.emplace());
  }

  // The value itself:

  void null() { expect("null"); }
  void string(std::string& out);
  void base64(std::string& out);
  /// As base64(), but keeps nothing.
  void check_base64();
  template <class T>
  void read(T& out) {
    first_ = true;
    describe(*this, out);
    expect("}");
  }
  template <class T>
  void read(std::vector<T>& out) {
    if (skip("null")) return;
    each([&] { read(out.emplace_back()); });
  }
  /// As read() of a list, with room for one element only, whatever their number.
  template <class T>
  void check(const std::vector<T>& /*type*/) {
    if (skip("null")) return;
    each([this] {
      T one;
      read(one);
    });
  }

 private:
  /// What stands between two quotation marks, as it is.
  std::string_view quoted();
  bool skip(std::string_view literal);
  void expect(std::string_view literal) {
    if (!skip(literal)) failed_ = true;
  }
  void key(std::string_view name);
  /// Whether the field that comes next has that name.
  [[nodiscard]] bool is_next(std::string_view name) const noexcept;
  void escape(std::string& out);
  /// The elements of a list that is not empty.
  template <class Read>
  void each(Read read_one) {
    expect("[");
    while (!failed_) {
      read_one();
      if (!skip(",")) return expect("]");
    }
  }
  template <std::integral T>
  void element(T& out) {
    const auto [stop, error] = std::from_chars(left_.data(), left_.data() + left_.size(), out);
    const auto length = static_cast<std::size_t>(stop - left_.data());
    // Neither "007" nor "-0" is what a writer writes.
    const bool zero = left_.starts_with('0') && length > 1;
    if (error != std::errc() || zero || left_.starts_with("-0")) failed_ = true;
    left_.remove_prefix(length);
  }
  void element(std::string& out) { string(out); }

  std::string_view left_;
  bool failed_ = false;
  bool first_ = true;
};

}  // namespace nsenterd::wire
