// Compiled pipelines in a file.
#pragma once

#import <Metal/MTLComputePipeline.h>

NS_ASSUME_NONNULL_BEGIN

@interface MTLBinaryArchiveDescriptor : NSObject <NSCopying> {
  NSURL *_url;
}
@property(nullable, copy, nonatomic, readwrite) NSURL *url;
@end

@protocol MTLBinaryArchive <NSObject>
@property(nullable, copy, atomic) NSString *label;
@property(readonly) id<MTLDevice> device;
- (BOOL)addComputePipelineFunctionsWithDescriptor:(MTLComputePipelineDescriptor *)descriptor
                                            error:(NSError *_Nullable *_Nullable)error;
- (BOOL)serializeToURL:(NSURL *)url error:(NSError *_Nullable *_Nullable)error;
@end

NS_ASSUME_NONNULL_END
