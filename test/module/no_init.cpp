// A program that forgets init(): says what it is told.
#include <iostream>

#include <unistd.h>

#include <nsenterd/module.hpp>

int main() {
  nsenterd::register_module("nothing", [](const std::string& argument) { return argument; });
  const auto result = nsenterd::run({.target = ::getpid(), .module = "nothing"});
  std::cout << (result ? "ok" : to_string(result.error())) << '\n';
  return 0;
}
