// CUDA and OpenGL share a texture, a pixel buffer, or nothing. Plain C++: nvcc does not see OpenGL.
#include <GLFW/glfw3.h>
// After the header that brings OpenGL.
#include <cuda_gl_interop.h>
#include <cuda_runtime.h>

#include "cinebokeh/core/error.hpp"
#include "gpu_display.hpp"

namespace cinebokeh::demo {
namespace {
constexpr GLenum pixel_unpack_buffer = 0x88EC, stream_draw = 0x88E0;  // GL_PIXEL_UNPACK_BUFFER, GL_STREAM_DRAW

// What OpenGL 1.1 lacks, and every context of 3.2 has.
struct BufferCalls {
    void (*generate)(GLsizei, GLuint*);
    void (*bind)(GLenum, GLuint);
    void (*allocate)(GLenum, ptrdiff_t, const void*, GLenum);
    void (*remove)(GLsizei, const GLuint*);

    BufferCalls() {
        find("glGenBuffers", generate), find("glBindBuffer", bind), find("glBufferData", allocate);
        find("glDeleteBuffers", remove);
    }

private:
    template <class Call>
    static void find(const char* name, Call& call) {
        call = reinterpret_cast<Call>(glfwGetProcAddress(name));
        require(call != nullptr, "OpenGL has no ", name);
    }
};

void check(cudaError_t status, const char* what) {
    require(status == cudaSuccess, "showing a picture of the GPU: ", what, ": ", cudaGetErrorString(status));
}
bool works(cudaError_t status) {
    if (status != cudaSuccess) cudaGetLastError();  // it is dealt with
    return status == cudaSuccess;
}

class CudaDisplay : public GpuDisplay {
public:
    ~CudaDisplay() override {
        forget();
        cudaFreeHost(pinned_);
        if (buffer_) calls_.remove(1, &buffer_);
    }
    DisplayRoute show(const GpuImage& picture, unsigned texture) override {
        if (texture != texture_ || !(picture.size == size_)) forget();
        texture_ = texture, size_ = picture.size;
        return choice_([&](DisplayRoute route) {
            if (route == DisplayRoute::image) return into_image(picture);
            if (route == DisplayRoute::buffer) return through_buffer(picture);
            through_pinned(picture);
            return true;
        });
    }

private:
    size_t row_bytes() const { return size_t(size_.width) * sizeof(Rgba8); }
    size_t bytes() const { return size_.area() * sizeof(Rgba8); }

    bool into_image(const GpuImage& picture) {
        if (!shared_ && !works(cudaGraphicsGLRegisterImage(&shared_, texture_, GL_TEXTURE_2D,
                                                           cudaGraphicsRegisterFlagsWriteDiscard)))
            return false;
        if (!works(cudaGraphicsMapResources(1, &shared_))) return forget();
        cudaArray_t array = nullptr;
        const bool copied = works(cudaGraphicsSubResourceGetMappedArray(&array, shared_, 0, 0)) &&
                            works(cudaMemcpy2DToArray(array, 0, 0, picture.data, size_t(picture.pitch), row_bytes(),
                                                      size_t(size_.height), cudaMemcpyDeviceToDevice));
        check(cudaGraphicsUnmapResources(1, &shared_), "unmapping");
        return copied || forget();
    }

    bool through_buffer(const GpuImage& picture) {
        if (!buffer_) calls_.generate(1, &buffer_);
        calls_.bind(pixel_unpack_buffer, buffer_);
        const bool filled = fill_buffer(picture);
        if (filled) update_texture(nullptr);
        calls_.bind(pixel_unpack_buffer, 0);
        return filled;
    }
    bool fill_buffer(const GpuImage& picture) {
        if (!shared_) {
            calls_.allocate(pixel_unpack_buffer, ptrdiff_t(bytes()), nullptr, stream_draw);
            if (!works(cudaGraphicsGLRegisterBuffer(&shared_, buffer_, cudaGraphicsRegisterFlagsWriteDiscard)))
                return false;
        }
        if (!works(cudaGraphicsMapResources(1, &shared_))) return forget();
        void* to = nullptr;
        size_t there = 0;
        const bool copied = works(cudaGraphicsResourceGetMappedPointer(&to, &there, shared_)) && there >= bytes() &&
                            works(cudaMemcpy2D(to, row_bytes(), picture.data, size_t(picture.pitch), row_bytes(),
                                               size_t(size_.height), cudaMemcpyDeviceToDevice));
        check(cudaGraphicsUnmapResources(1, &shared_), "unmapping");
        return copied || forget();
    }

    void through_pinned(const GpuImage& picture) {
        if (!pinned_) check(cudaMallocHost(&pinned_, bytes()), "pinned memory");
        check(cudaMemcpy2D(pinned_, row_bytes(), picture.data, size_t(picture.pitch), row_bytes(), size_t(size_.height),
                           cudaMemcpyDeviceToHost),
              "copying");
        update_texture(pinned_);
    }

    // From memory, or from the start of the bound pixel buffer.
    void update_texture(const void* pixels) const {
        glBindTexture(GL_TEXTURE_2D, texture_);
        glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, size_.width, size_.height, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
    }

    // Of another texture or size. Always false.
    bool forget() {
        if (shared_) cudaGraphicsUnregisterResource(std::exchange(shared_, nullptr));
        if (pinned_) cudaFreeHost(std::exchange(pinned_, nullptr));
        return false;
    }

    BufferCalls calls_;
    RouteChoice choice_;
    cudaGraphicsResource_t shared_ = nullptr;  // the texture, or the buffer
    GLuint buffer_ = 0, texture_ = 0;
    void* pinned_ = nullptr;
    Size size_;
};
}  // namespace

std::unique_ptr<GpuDisplay> make_cuda_display() { return std::make_unique<CudaDisplay>(); }
}  // namespace cinebokeh::demo
