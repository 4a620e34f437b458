#include "window.hpp"

#include <GLFW/glfw3.h>
#include <backends/imgui_impl_glfw.h>
#include <backends/imgui_impl_opengl3.h>
#include <imgui.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cinebokeh/core/error.hpp"

namespace cinebokeh::demo {
namespace {
constexpr double shortest_frame = 1 / 60.0;  // seconds

std::string glfw_reason() {
    const char* text = nullptr;
    glfwGetError(&text);
    return text ? text : "no reason given";
}

void set_style() {
    ImGui::StyleColorsDark();
    ImGuiStyle& style = ImGui::GetStyle();
    style.WindowRounding = 0, style.FrameRounding = 3, style.GrabRounding = 3, style.WindowBorderSize = 0;
    style.GrabMinSize = 6;  // values are read behind it
    style.ItemSpacing = {8, 5}, style.WindowPadding = {10, 8};
    const ImVec4 accent{0.91f, 0.56f, 0.20f, 1}, quiet{0.16f, 0.16f, 0.18f, 1};
    style.Colors[ImGuiCol_WindowBg] = {0.09f, 0.09f, 0.10f, 1};
    style.Colors[ImGuiCol_FrameBg] = quiet;
    style.Colors[ImGuiCol_FrameBgHovered] = style.Colors[ImGuiCol_FrameBgActive] = {0.22f, 0.22f, 0.25f, 1};
    style.Colors[ImGuiCol_SliderGrab] = style.Colors[ImGuiCol_CheckMark] = accent;
    style.Colors[ImGuiCol_SliderGrabActive] = {1, 0.70f, 0.35f, 1};
    style.Colors[ImGuiCol_Button] = style.Colors[ImGuiCol_Header] = {0.22f, 0.22f, 0.25f, 1};
    style.Colors[ImGuiCol_ButtonHovered] = style.Colors[ImGuiCol_HeaderHovered] = {0.32f, 0.30f, 0.28f, 1};
    style.Colors[ImGuiCol_ButtonActive] = style.Colors[ImGuiCol_HeaderActive] = accent;
}
}  // namespace

Window::Window(const WindowParams& params) {
    require(glfwInit() == GLFW_TRUE, "no window can be opened (", glfw_reason(),
            "): start it on a desktop, or run 'cinebokeh live --headless'");
    try {
        open(params);
    } catch (...) {
        glfwTerminate();
        throw;
    }
}

void Window::open(const WindowParams& params) {
    glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
    glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 2);
    glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE);
    glfwWindowHint(GLFW_OPENGL_FORWARD_COMPAT, GLFW_TRUE);
    window_ = glfwCreateWindow(params.width, params.height, params.title.c_str(), nullptr, nullptr);
    require(window_ != nullptr, "no window can be opened (", glfw_reason(),
            "): OpenGL 3.2 is needed; without it run 'cinebokeh live --headless'");
    glfwMakeContextCurrent(window_);
    glfwSwapInterval(1);
    glfwSetWindowUserPointer(window_, this);
    glfwSetKeyCallback(window_, on_key);  // before ImGui, which calls these in turn
    glfwSetMouseButtonCallback(window_, on_button);
    glfwSetScrollCallback(window_, on_scroll);
    glfwSetCursorPosCallback(window_, on_move);
    ImGui::CreateContext();
    ImGui::GetIO().MouseDoubleClickTime = 0.5f;  // as desktops have it
    ImGui::GetIO().IniFilename = nullptr;        // what is kept is kept in our settings
    set_style();
    ImGui_ImplGlfw_InitForOpenGL(window_, true);
    ImGui_ImplOpenGL3_Init("#version 150");
    if (params.fullscreen) toggle_fullscreen();
}

Window::~Window() {
    ImGui_ImplOpenGL3_Shutdown();
    ImGui_ImplGlfw_Shutdown();
    ImGui::DestroyContext();
    glfwDestroyWindow(window_);
    glfwTerminate();
}

Window& Window::of(GLFWwindow* window) { return *static_cast<Window*>(glfwGetWindowUserPointer(window)); }

void Window::on_key(GLFWwindow* window, int key, int, int action, int modifiers) {
    of(window).happened();
    if (action != GLFW_PRESS || (modifiers & (GLFW_MOD_CONTROL | GLFW_MOD_ALT | GLFW_MOD_SUPER))) return;
    of(window).pressed_.push_back(key);
}
void Window::on_button(GLFWwindow* window, int, int, int) { of(window).happened(); }
void Window::on_scroll(GLFWwindow* window, double, double) { of(window).happened(); }
void Window::on_move(GLFWwindow* window, double, double) { of(window).used_at_ = glfwGetTime(); }

void Window::happened() {
    ++events_;
    used_at_ = glfwGetTime();
}

double Window::idle() const { return glfwGetTime() - used_at_; }

void Window::wake() { glfwPostEmptyEvent(); }

bool Window::begin(double patience) {
    glfwWaitEventsTimeout(patience);
    const double early = begun_at_ + shortest_frame - glfwGetTime();
    if (early > 0) {  // a mouse moves more often than a screen shows
        std::this_thread::sleep_for(std::chrono::duration<double>(early));
        glfwPollEvents();
    }
    begun_at_ = glfwGetTime();
    if (glfwWindowShouldClose(window_)) return false;
    ImGui_ImplOpenGL3_NewFrame();
    ImGui_ImplGlfw_NewFrame();
    // Clicks are told from double clicks by this clock: a slow machine does not make a slow hand.
    ImGui::GetIO().DeltaTime = std::min(ImGui::GetIO().DeltaTime, 0.05f);
    ImGui::NewFrame();
    keys_.clear();
    std::swap(keys_, pressed_);
    if (ImGui::GetIO().WantTextInput) keys_.clear();
    return true;
}

void Window::end(Picture* shot) {
    ImGui::Render();
    int width = 0, height = 0;
    glfwGetFramebufferSize(window_, &width, &height);
    glViewport(0, 0, width, height);
    glClearColor(0.05f, 0.05f, 0.055f, 1);
    glClear(GL_COLOR_BUFFER_BIT);
    ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
    if (shot) *shot = read_back(width, height);
    glfwSwapBuffers(window_);
}

// OpenGL counts rows from below.
Picture Window::read_back(int width, int height) {
    Picture picture{{width, height}, std::vector<Rgba8>(Size{width, height}.area())};
    glPixelStorei(GL_PACK_ALIGNMENT, 1);
    glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE, picture.pixels.data());
    for (Rgba8& pixel : picture.pixels) pixel[3] = 255;
    for (int y = 0; y < height / 2; ++y)
        std::swap_ranges(picture.pixels.begin() + ptrdiff_t(y) * width,
                         picture.pixels.begin() + ptrdiff_t(y + 1) * width,
                         picture.pixels.begin() + ptrdiff_t(height - 1 - y) * width);
    return picture;
}

Float2 Window::size() const { return {ImGui::GetIO().DisplaySize.x, ImGui::GetIO().DisplaySize.y}; }

void Window::close() { glfwSetWindowShouldClose(window_, GLFW_TRUE); }

void Window::toggle_fullscreen() {
    GLFWmonitor* monitor = glfwGetPrimaryMonitor();
    if (!monitor) return;
    if (fullscreen_) {
        glfwSetWindowMonitor(window_, nullptr, windowed_[0], windowed_[1], windowed_[2], windowed_[3], GLFW_DONT_CARE);
    } else {
        glfwGetWindowPos(window_, &windowed_[0], &windowed_[1]);
        glfwGetWindowSize(window_, &windowed_[2], &windowed_[3]);
        const GLFWvidmode* mode = glfwGetVideoMode(monitor);
        glfwSetWindowMonitor(window_, monitor, 0, 0, mode->width, mode->height, mode->refreshRate);
    }
    fullscreen_ = !fullscreen_;
}

Texture::~Texture() {
    if (name_) glDeleteTextures(1, &name_);
}

void Texture::resize(Size size) {
    if (name_ && size == size_) return;
    if (!name_) glGenTextures(1, &name_);
    size_ = size;
    glBindTexture(GL_TEXTURE_2D, name_);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
    glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, size.width, size.height, 0, GL_RGBA, GL_UNSIGNED_BYTE, nullptr);
    set_smooth(true);
}

void Texture::upload(HostImage<const Rgba8> picture) {
    resize(picture.size);
    glBindTexture(GL_TEXTURE_2D, name_);
    glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
    glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, size_.width, size_.height, GL_RGBA, GL_UNSIGNED_BYTE, picture.data);
}

void* Texture::id() const { return reinterpret_cast<void*>(intptr_t(name_)); }

void Texture::set_smooth(bool smooth) {
    if (!name_) return;
    glBindTexture(GL_TEXTURE_2D, name_);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, smooth ? GL_LINEAR : GL_NEAREST);
}
}  // namespace cinebokeh::demo
